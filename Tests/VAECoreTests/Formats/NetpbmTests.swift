import Testing
import VAECore

struct NetpbmTests {
  private func read(_ bytes: [UInt8]) throws -> (shape: [Int], samples: [UInt8]) {
    let reader = try NetpbmReader(ByteSource(bytes: bytes, name: "x.ppm", pieceSize: 3))
    let samples = try reader.readPixels()
    return ([reader.size.width, reader.size.height, reader.channels], samples)
  }

  @Test func everyKindIsReadAsPillowReadsIt() throws {
    for words in try Streams.goldenLines("netpbm.txt", words: 6) {
      let picture = try read(Streams.bytes(hex: words[4]))
      #expect(picture.shape == words[1...3].compactMap { Int($0) }, "\(words[0])")
      #expect(picture.samples == Streams.bytes(hex: words[5]), "\(words[0])")
    }
  }

  @Test func picturesMayFollowEachOther() throws {
    let source = ByteSource(bytes: Array("P5 1 1 255\naP6 1 1 255\nbcd".utf8), name: "x")
    #expect(try NetpbmReader(source).readPixels() == Array("a".utf8))
    #expect(try NetpbmReader(source).readPixels() == Array("bcd".utf8))
    #expect(try source.peek(1).isEmpty)
  }

  @Test(arguments: [
    ("P3 1 1 255\n1 2 3", NetpbmError.otherKind(name: "x.ppm", got: Array("P3".utf8))),
    ("P5 1 x", .badHeader(name: "x.ppm", field: "height", got: UInt8(ascii: "x"))),
    ("P5 -1 1 255\n", .badHeader(name: "x.ppm", field: "width", got: UInt8(ascii: "-"))),
    ("P5 99999999999 1 ", .badHeader(name: "x.ppm", field: "width", got: UInt8(ascii: "9"))),
    ("P5 1 1 0\na", .badMaximum(name: "x.ppm", got: 0)),
    ("P5 1 1 65536\na", .badMaximum(name: "x.ppm", got: 65536)),
    ("P5 0 1 255\n", .badSize(name: "x.ppm", got: PixelSize(width: 0, height: 1))),
    ("P6 65536 65536 255\n", .badSize(name: "x.ppm", got: PixelSize(width: 65536, height: 65536))),
    ("P5 1 1 15\n\u{10}", .aboveMaximum(name: "x.ppm", got: 16, maximum: 15)),
    ("P5 2 2 255\nabc", .endsEarly(name: "x.ppm")),
    ("P5 2 2", .endsEarly(name: "x.ppm")),
    ("P5 # no end", .endsEarly(name: "x.ppm")),
    ("P5", .endsEarly(name: "x.ppm")),
  ])
  func whatIsNoPictureIsRefused(_ text: String, _ error: NetpbmError) throws {
    #expect(throws: error) { try read(Array(text.utf8)) }
  }

  /// A comment without end, of which no more is held than a byte.
  @Test func headersEnd() throws {
    let header = Array("P5 #".utf8) + [UInt8](repeating: 0x20, count: 1 << 20)
    #expect(throws: NetpbmError.endsEarly(name: "x.ppm")) { try read(header) }
  }
}
