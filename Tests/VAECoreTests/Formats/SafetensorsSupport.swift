import VAECore

/// Safetensors files built by hand.
enum Safetensors {
  /// A file of any header and so many bytes of data, all zero.
  static func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    file(bytes: Array(header.utf8), data: data, length: length)
  }

  static func file(bytes: [UInt8], data: Int = 0, length: UInt64? = nil) -> [UInt8] {
    let claimed = length ?? UInt64(bytes.count)
    return withUnsafeBytes(of: claimed.littleEndian) { Array($0) } + bytes
      + [UInt8](repeating: 0, count: data)
  }

  /// An entry of the header.
  static func entry(
    _ name: String, dtype: String = "F32", _ shape: String, _ start: Int, _ end: Int
  ) -> String {
    "\"\(name)\":{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
  }

  static func read(_ bytes: [UInt8], pieceSize: Int = .max) throws -> SafetensorsFile {
    try SafetensorsFile(ByteSource(bytes: bytes, name: "m.vae", pieceSize: pieceSize))
  }
}
