import Testing
import VAECore

struct PNGReaderTests {
  private struct Golden {
    let name: String
    let shape: [Int]
    let file: [UInt8]
    let samples: [UInt8]
  }

  private func goldens() throws -> [Golden] {
    try Streams.goldenLines("pictures.txt", words: 6).map { words in
      Golden(
        name: words[0], shape: words[1...3].compactMap { Int($0) },
        file: Streams.bytes(hex: words[4]), samples: Streams.bytes(hex: words[5]))
    }
  }

  private func read(_ bytes: [UInt8]) throws -> (shape: [Int], samples: [UInt8]) {
    let reader = try PNGReader(ByteSource(bytes: bytes, name: "x.png", pieceSize: 11))
    return ([reader.width, reader.height, reader.channels], try reader.readPixels())
  }

  @Test func everyKindIsRead() throws {
    for golden in try goldens() {
      let picture = try read(golden.file)
      #expect(picture.shape == golden.shape, "\(golden.name)")
      #expect(picture.samples == golden.samples, "\(golden.name)")
    }
  }

  @Test func picturesMayFollowEachOther() throws {
    let goldens = try goldens()
    let source = ByteSource(bytes: goldens.flatMap(\.file), name: "x.png")
    for golden in goldens { #expect(try PNGReader(source).readPixels() == golden.samples) }
    #expect(try source.peek(1).isEmpty)
  }

  @Test func cutOrChangedFilesAreRefused() throws {
    let names = ["palette-alpha", "colour6-depth16-interlaced"]
    for golden in try goldens() where names.contains(golden.name) {
      for index in golden.file.indices {
        var changed = golden.file
        changed[index] ^= 0xff
        #expect(throws: PNGError.self, "byte \(index)") { try read(changed) }
        #expect(throws: PNGError.self, "cut at \(index)") { try read(Array(golden.file[..<index])) }
      }
    }
  }

  /// The limits hold before libpng sees the picture.
  @Test func hugePicturesAreRefusedByTheirHeader() throws {
    var file = try #require(try goldens().first).file
    for (width, height) in [(0x7fff_ffff, 1), (1, 0x7fff_ffff), (30_000, 30_000), (65_537, 1)] {
      for byte in 0..<4 {
        file[16 + byte] = UInt8(width >> (24 - 8 * byte) & 255)
        file[20 + byte] = UInt8(height >> (24 - 8 * byte) & 255)
      }
      #expect(
        throws: PNGError.unreadable(
          name: "x.png",
          detail:
            "the PNG picture is \(width)x\(height) (shape \(height)x\(width)), at most 65536 pixels a side and "
            + "67108864 in all are read")
      ) {
        try read(file)
      }
    }
  }
}
