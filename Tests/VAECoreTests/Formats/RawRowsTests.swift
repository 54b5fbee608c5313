import Testing
import VAECore

struct RawRowsTests {
  private func read(
    _ bytes: [UInt8], _ type: String, _ shape: [Int], rows: Int? = nil
  ) throws -> [UInt8] {
    let type = try #require(RawType(type))
    return try Streams.written { sink in
      let source = ByteSource(bytes: bytes, name: "x.raw", pieceSize: 3)
      try readRaw(source, type: type, rowShape: shape, rows: rows, to: sink)
    }
  }

  private func write(_ stream: [UInt8], _ type: String) throws -> [UInt8] {
    let type = try #require(RawType(type))
    return try Streams.written { try writeRaw(try Streams.reader(stream), as: type, to: $0) }
  }

  @Test func typesAreNumPys() {
    #expect(RawType("f4") == RawType("<f4"))
    #expect(RawType(">i2")?.isBigEndian == true)
    for text in ["", "f", "f16", "<", "=f4", "float"] { #expect(RawType(text) == nil, "\(text)") }
  }

  @Test func elementsBecomeRows() throws {
    #expect(
      try read([1, 2, 3, 4, 5, 6], "u1", [3])
        == Streams.written { sink in
          let writer = try TensorWriter(sink, type: .u1, rowShape: [3], rows: 2)
          try [UInt8](1...6).withUnsafeBytes(writer.write(raw:))
          try writer.finish()
        })
    #expect(try Streams.floats(read([0xff, 0xfe, 0, 1], ">i2", [])) == [-2, 1])
    #expect(try Streams.floats(read([0, 0x3c, 0, 0xbc], "f2", [2])) == [1, -1])
  }

  /// gzip's own mark, as two numbers.
  @Test func nothingIsTakenForGzip() throws {
    #expect(Array(try read([0x1f, 0x8b, 8, 0], "u1", [2]).suffix(4)) == [0x1f, 0x8b, 8, 0])
  }

  @Test func rowsMustBeWholeAndAsManyAsSaid() throws {
    #expect(throws: RawError.cut(name: "x.raw", rows: 1, expected: 8, got: 3)) {
      try read([UInt8](repeating: 0, count: 11), "f4", [2])
    }
    #expect(throws: RawError.wrongCount(name: "x.raw", expected: 3, got: .exactly(2))) {
      try read([1, 2], "u1", [], rows: 3)
    }
    #expect(throws: RawError.wrongCount(name: "x.raw", expected: 1, got: .atLeast(2))) {
      try read([1, 2], "u1", [], rows: 1)
    }
    #expect(throws: StreamError.self) { try read([1], "u1", [1 << 40, 1 << 40]) }
  }

  @Test func theirBytesComeBack() throws {
    let stream = Streams.rows([1.5, -2, 300], shape: "(3,)")
    #expect(try write(stream, "f4") == Streams.bytes([1.5, -2, 300]))
    #expect(try write(stream, ">i2") == [0, 1, 0xff, 0xfe, 1, 44])
    #expect(try write(stream, "b1") == [1, 1, 1])
    #expect(try write(stream, "<f8").count == 24)
    #expect(throws: RawError.doesNotFit(name: "x.npy", row: 2, element: 0, value: 300, type: .i1)) {
      try write(stream, "i1")
    }
    #expect(throws: RawError.self) { try write(Streams.rows([.nan], shape: "(1,)"), "i8") }
    #expect(throws: RawError.self) { try write(Streams.rows([0x1p63], shape: "(1,)"), "i8") }
    #expect(try write(Streams.rows([-0x1p63], shape: "(1,)"), "i8").last == 0x80)
  }

  /// All 65,536 bit patterns, NaN with payloads among them, from f2 through f4 to f2.
  @Test func everyHalfComesBack() throws {
    let bytes = (0...UInt16.max).flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
    let stream = Streams.npy("<f2", "(65536,)", data: bytes)
    #expect(try write(stream, "f2") == bytes)
    #expect(try write(try read(bytes, "f2", []), "f2") == bytes)
  }

  @Test func halvesAreRoundedToEven() throws {
    let cases: [(Float, UInt16)] = [
      (1 + 0x1p-11, 0x3c00), (1 + 0x3p-11, 0x3c02), (1 + 0x1.002p-11, 0x3c01), (65519, 0x7bff),
      (65520, 0x7c00), (0x1p-25, 0), (0x1.002p-25, 1), (0x1.ffep-15, 0x0400), (-0.0, 0x8000),
    ]
    for (value, bits) in cases {
      let bytes = try write(Streams.rows([value], shape: "(1,)"), "f2")
      #expect(bytes == [UInt8(bits & 255), UInt8(bits >> 8)], "\(value)")
    }
  }
}
