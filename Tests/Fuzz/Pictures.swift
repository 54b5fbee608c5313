import VAECore

/// PNG pictures.
func pngTarget(_ bytes: [UInt8]) throws {
  if case .read(let picture) = attempt({ try png(bytes) }) {
    expect(
      picture.pixels.count == picture.width * picture.height * picture.channels,
      "other than all pixels")
  }
  var choices = Choices(bytes)
  let channels = [1, 3, 4][choices.below(3)]
  let (width, height) = (1 + choices.below(5), 1 + choices.below(5))
  let pixels = choices.bytes(width * height * channels)
  var file = try written { sink in
    let writer = try PNGWriter(to: sink, width: width, height: height, channels: channels)
    for row in 0..<height {
      try Array(pixels[(row * width * channels)..<((row + 1) * width * channels)])
        .withUnsafeBufferPointer { try writer.write(row: $0) }
    }
    try writer.finish()
  }
  let read = sound("a picture") { try png(file) }
  expect(read.pixels == pixels && read.channels == channels, "the pixels differ")
  expectRefusal("a cut picture") { _ = try png(Array(file.dropLast())) }
  file[8 + choices.below(file.count - 8)] ^= 1 << UInt8(choices.below(8))
  expectRefusal("a damaged picture") { _ = try png(file) }
  // A header that asks for more than is allowed.
  expectRefusal("too large a picture") {
    var head: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13]
    head += Array("IHDR".utf8) + [0, 2, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0]
    _ = try png(head)
  }
}

private func png(
  _ bytes: [UInt8]
) throws -> (width: Int, height: Int, channels: Int, pixels: [UInt8]) {
  let reader = try PNGReader(
    ByteSource(bytes: bytes, name: "input", pieceSize: 11), limit: 1 << 16)
  return (reader.width, reader.height, reader.channels, try reader.readPixels())
}
