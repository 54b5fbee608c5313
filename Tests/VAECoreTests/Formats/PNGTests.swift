import Foundation
import Testing
import VAECore

@Suite struct PNGTests {
  /// A sink into a file, and what the file then holds.
  private func write(
    width: Int, height: Int, channels: Int, _ body: (PNGWriter) throws -> Void
  ) throws -> ByteSource {
    let path = NSTemporaryDirectory() + "vae-tools-png-\(UInt64.random(in: 0 ... .max))"
    let file = try AtomicFile(path: path)
    let writer = try PNGWriter(to: file.sink, width: width, height: height, channels: channels)
    try body(writer)
    try file.commit()
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ByteSource(path: path)
  }

  @Test(arguments: [1, 3, 4]) func pixelsComeBack(channels: Int) throws {
    let (width, height) = (7, 5)
    let pixels = (0..<(width * height * channels)).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let source = try write(width: width, height: height, channels: channels) { writer in
      for row in 0..<height {
        let start = row * width * channels
        try Array(pixels[start..<(start + width * channels)])
          .withUnsafeBufferPointer(writer.write(row:))
      }
      try writer.finish()
    }
    let reader = try PNGReader(source)
    #expect((reader.width, reader.height, reader.channels) == (width, height, channels))
    #expect(try reader.readPixels() == pixels)
  }

  @Test func impossiblePicturesAreRefused() throws {
    for (width, height) in [(0, 1), (1, 0), (-1, 1), (1 << 31, 1)] {
      #expect(throws: PNGError.size(width: width, height: height)) {
        try write(width: width, height: height, channels: 1) { _ in }
      }
    }
    for channels in [0, 2, 5] {
      #expect(throws: PNGError.channels(channels)) {
        try write(width: 1, height: 1, channels: channels) { _ in }
      }
    }
  }

  @Test func rowsMustBeWholeAndAsManyAsPromised() throws {
    #expect(throws: PNGError.rowLength(expected: 6, got: 5)) {
      try write(width: 2, height: 2, channels: 3) { writer in
        try [1, 2, 3, 4, 5].withUnsafeBufferPointer(writer.write(row:))
      }
    }
    #expect(throws: PNGError.rowCount(expected: 2, got: 1)) {
      try write(width: 1, height: 2, channels: 1) { writer in
        try [1].withUnsafeBufferPointer(writer.write(row:))
        try writer.finish()
      }
    }
    #expect(throws: PNGError.rowCount(expected: 1, got: 2)) {
      try write(width: 1, height: 1, channels: 1) { writer in
        try [1].withUnsafeBufferPointer(writer.write(row:))
        try [1].withUnsafeBufferPointer(writer.write(row:))
      }
    }
  }

  @Test func otherBytesAreNoPicture() throws {
    for bytes: [UInt8] in [[], [1, 2, 3], Array("\u{89}PNG".utf8)] {
      #expect(throws: PNGError.self) {
        try PNGReader(ByteSource(bytes: bytes, name: "x"))
      }
    }
  }
}
