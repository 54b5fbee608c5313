import Testing
import VAECore

struct RowStoreTests {
  static let values = (0..<600).map { Float($0) - 300 }
  static let bytes = (0..<600).map { UInt8(truncatingIfNeeded: $0) }

  /// The store of a file, once read and once mapped where that can be.
  private func stores(_ file: [UInt8], isMapped: Bool) throws -> [RowStore] {
    try Streams.withTemporaryFolder { folder in
      try Streams.write(file, to: folder + "/x")
      let mapped = try RowStore(mapping: folder + "/x")
      #expect(mapped.isMapped == isMapped)
      let read = try RowStore(TensorReader(ByteSource(path: folder + "/x")))
      #expect(!read.isMapped)
      #expect(mapped.sha256() == read.sha256())
      return [mapped, read]
    }
  }

  private func floats(_ store: RowStore) -> [Float] {
    Array(UnsafeBufferPointer(start: store.floats, count: store.rows * store.rowSize))
  }

  private func bytes(_ store: RowStore) -> [UInt8] {
    Array(UnsafeBufferPointer(start: store.bytes, count: store.rows * store.rowSize))
  }

  @Test func holdsFloats() throws {
    let file = Streams.npy("<f4", "(100, 3, 2)", data: Streams.bytes(Self.values))
    // A header of 13 bytes more or less puts the data where floats may not be mapped.
    let aligned = file.count % 4 == 0
    for store in try stores(file, isMapped: aligned) {
      #expect(store.rows == 100 && store.rowShape == [3, 2] && store.rowSize == 6)
      #expect(store.elementType == .f4 && store.bytes == nil)
      #expect(floats(store) == Self.values)
    }
  }

  @Test func mapsWhatNumPyWrites() throws {
    let file = try Streams.written { sink in
      let writer = try TensorWriter(sink, type: .f4, rowShape: [6], rows: 100)
      try Self.values.withUnsafeBufferPointer { try writer.write($0) }
      try writer.finish()
    }
    for store in try stores(file, isMapped: true) { #expect(floats(store) == Self.values) }
  }

  @Test func keepsBytes() throws {
    let npy = Streams.npy("|u1", "(100, 6)", data: Self.bytes)
    let idx = Streams.idx(type: 8, [100, 6], data: Self.bytes)
    for (file, isMapped) in [(npy, true), (idx, true), (Gzip.member(npy), false)] {
      for store in try stores(file, isMapped: isMapped) {
        #expect(store.rows == 100 && store.rowSize == 6)
        #expect(store.elementType == .u1 && store.floats == nil)
        #expect(bytes(store) == Self.bytes)
      }
    }
  }

  @Test func readsWhatCannotBeMapped() throws {
    let half = Streams.rows(Array(Self.values[..<300]), shape: "(50, 6)")
    let rest = Streams.rows(Array(Self.values[300...]), shape: "(50, 6)")
    for store in try stores(half + rest, isMapped: false) {
      #expect(store.rows == 100)
      #expect(floats(store) == Self.values)
    }
    let swapped = Self.values.flatMap { value in
      withUnsafeBytes(of: value.bitPattern.bigEndian) { Array($0) }
    }
    for store in try stores(Streams.npy(">f4", "(100, 6)", data: swapped), isMapped: false) {
      #expect(floats(store) == Self.values)
    }
    for store in try stores(Streams.rows([], shape: "(0, 6)"), isMapped: false) {
      #expect(store.rows == 0 && floats(store) == [])
    }
  }

  @Test func refusesWhatAReaderRefuses() throws {
    try Streams.withTemporaryFolder { folder in
      let path = folder + "/x"
      var values = Self.values
      values[17] = .nan
      let file = try Streams.written { sink in
        let writer = try TensorWriter(sink, type: .f4, rowShape: [6], rows: 100)
        try values.withUnsafeBytes { try writer.write(raw: $0) }
        try writer.finish()
      }
      try Streams.write(file, to: path)
      #expect(throws: StreamError.notFinite(name: path, row: 2, element: 5, value: "nan")) {
        try RowStore(mapping: path)
      }
      #expect(try RowStore(mapping: path, finite: false).isMapped)
      try Streams.write(Array(file.dropLast()), to: path)
      #expect(throws: StreamError.endsEarly(name: path, expected: 100, got: 99, bytes: 23)) {
        try RowStore(mapping: path, finite: false)
      }
    }
  }
}
