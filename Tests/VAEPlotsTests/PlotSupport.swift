import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Streams and pictures for the tests of plots.
enum Plots {
  static func bytes(_ values: [Float]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) } }
  }

  /// A stream of an element type and a shape, both as in the header.
  static func reader(
    _ type: String, _ shape: String, _ data: [UInt8], name: String = "x.npy"
  ) throws -> TensorReader {
    let text = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }\n"
    let header = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(text.utf8.count), 0]
    return try TensorReader(
      ByteSource(bytes: header + Array(text.utf8) + data, name: name))
  }

  static func points(_ values: [Float]) throws -> TensorReader {
    try reader("<f4", "(\(values.count / 2), 2)", bytes(values))
  }

  /// What `body` writes.
  static func written(_ body: (ByteSink) throws -> Void) throws -> [UInt8] {
    let path = "/tmp/vae-tools-plot-\(UInt64.random(in: .min ... .max))"
    let file = try AtomicFile(path: path)
    try body(file.sink)
    try file.commit()
    defer { unlink(path) }
    let source = try ByteSource(path: path)
    var all: [UInt8] = []
    while true {
      let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = try source.read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      all += piece
      if piece.count < 1 << 16 { return all }
    }
  }

  /// The size a PNG file names, if it has a beginning and an end.
  static func size(_ png: [UInt8]) -> [Int]? {
    guard png.count > 33, png.prefix(8) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A],
      png[12..<16].elementsEqual("IHDR".utf8), png.dropLast(4).suffix(4).elementsEqual("IEND".utf8)
    else { return nil }
    return [16, 20].map { start in png[start..<(start + 4)].reduce(0) { $0 << 8 | Int($1) } }
  }
}
