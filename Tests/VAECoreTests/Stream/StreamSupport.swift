import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Streams built by hand, and ways to read and write them whole.
enum Streams {
  /// A `.npy` file with any header text.
  static func npy(header: String, version: UInt8 = 1, data: [UInt8] = []) -> [UInt8] {
    let text = Array(header.utf8)
    let length = (0..<(version == 1 ? 2 : 4)).map {
      UInt8(truncatingIfNeeded: text.count >> (8 * $0))
    }
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
  }

  /// A `.npy` file of a type and a shape, both as in the header.
  static func npy(
    _ type: String, _ shape: String, fortran: String = "False", data: [UInt8] = []
  ) -> [UInt8] {
    npy(
      header: "{'descr': '\(type)', 'fortran_order': \(fortran), 'shape': \(shape), }\n",
      data: data)
  }

  /// Little-endian bytes.
  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }

  /// A file of f4 rows, as the library writes it.
  static func rows(_ values: [Float], shape: String) -> [UInt8] {
    npy("<f4", shape, data: bytes(values))
  }

  /// An IDX file.
  static func idx(type: UInt8, _ dimensions: [UInt32], data: [UInt8]) -> [UInt8] {
    [0, 0, type, UInt8(dimensions.count)]
      + dimensions.flatMap { withUnsafeBytes(of: $0.bigEndian) { Array($0) } } + data
  }

  static func reader(_ bytes: [UInt8], pieceSize: Int = .max) throws -> TensorReader {
    try TensorReader(ByteSource(bytes: bytes, name: "x.npy", pieceSize: pieceSize))
  }

  /// All values of a stream, read a few rows at a time.
  static func floats(
    _ bytes: [UInt8], pieceSize: Int = .max, rows: Int = 2, scaleBytes: Bool = true,
    finite: Bool = true
  ) throws -> [Float] {
    let reader = try reader(bytes, pieceSize: pieceSize)
    let batch = RowBatch()
    var values: [Float] = []
    while try batch.fill(from: reader, maxRows: rows, scaleBytes: scaleBytes, finite: finite) {
      values += batch.values
    }
    return values
  }

  /// What `body` writes, by way of a file.
  static func written(_ body: (ByteSink) throws -> Void) throws -> [UInt8] {
    try withTemporaryFolder { folder in
      let file = try AtomicFile(path: folder + "/written")
      try body(file.sink)
      try file.commit()
      return try contents(folder + "/written")
    }
  }

  /// All bytes of a file; gzip is undone.
  static func contents(_ path: String) throws -> [UInt8] {
    try all(ByteSource(path: path))
  }

  static func all(_ source: ByteSource, step: Int = 1 << 16) throws -> [UInt8] {
    var result: [UInt8] = []
    while true {
      let piece = try [UInt8](unsafeUninitializedCapacity: step) { buffer, count in
        count = try source.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      result += piece
      if piece.count < step { return result }
    }
  }

  /// A folder that is there while `body` runs.
  static func withTemporaryFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    var template = Array("/tmp/vae-tools-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw TestError.noFolder }
    let folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer {
      for name in (try? names(in: folder)) ?? [] { unlink(folder + "/" + name) }
      rmdir(folder)
    }
    return try body(folder)
  }

  /// The entries of a folder, sorted.
  static func names(in folder: String) throws -> [String] {
    guard let handle = opendir(folder) else { throw TestError.noFolder }
    defer { closedir(handle) }
    var names: [String] = []
    while let entry = readdir(handle) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Writes a file that a test reads.
  static func write(_ bytes: [UInt8], to path: String) throws {
    let file = try AtomicFile(path: path)
    try file.sink.write(bytes)
    try file.commit()
  }

  /// A file of the folder `Goldens`.
  static func golden(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let folder = file.split(separator: "/").dropLast(2).joined(separator: "/")
    return try contents("/" + folder + "/Goldens/" + name)
  }

  /// The lines of a golden, in words.
  static func goldenLines(_ name: String, words: Int) throws -> [[String]] {
    String(decoding: try golden(name), as: UTF8.self).split(separator: "\n").map { line in
      line.split(separator: " ", maxSplits: words - 1).map(String.init)
    }
  }

  static func bytes(hex: String) -> [UInt8] {
    let digits = Array(hex)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0..<($0 + 2)]), radix: 16)
    }
  }
}

enum TestError: Error { case noFolder }
