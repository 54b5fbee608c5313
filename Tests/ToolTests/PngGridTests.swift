import Foundation
import Testing
import VAECore

@Suite struct PngGridTests {
  private func decode(_ bytes: [UInt8]) throws -> (shape: [Int], pixels: [UInt8]) {
    let reader = try PNGReader(ByteSource(bytes: bytes, name: "the picture"))
    return ([reader.height, reader.width, reader.channels], try reader.readPixels())
  }

  private func cases() throws -> [[String]] {
    String(decoding: try golden("grids/cases.txt"), as: UTF8.self)
      .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
  }

  /// The first `.npy` array of a u1 file.
  private func array(_ bytes: [UInt8]) throws -> (shape: [Int], pixels: [UInt8]) {
    let store = try RowStore(TensorReader(ByteSource(bytes: bytes, name: "the golden")))
    let pixels = UnsafeBufferPointer(start: store.bytes, count: store.rows * store.rowSize)
    return ([store.rows] + store.rowShape, Array(pixels))
  }

  @Test func pixelsAreTorchvisions() throws {
    for line in try cases() {
      let result = try run(
        "png-grid", Array(line.dropFirst(2)), input: .pipe(golden("grids/\(line[1]).npy")))
      #expect(result.status == 0)
      #expect(result.messages == "")
      let picture = try decode(result.output)
      let expected = try array(golden("grids/\(line[0]).npy"))
      #expect(picture.shape == expected.shape, "\(line)")
      #expect(picture.pixels == expected.pixels, "\(line)")
    }
  }

  @Test func fileOperandAndStandardInputAreAlike() throws {
    let path = goldens.appendingPathComponent("grids/grey.npy").path
    let bytes = try golden("grids/grey.npy")
    let expected = try run("png-grid", input: .pipe(bytes)).output
    #expect(try run("png-grid", [path], input: .closed).output == expected)
    #expect(try run("png-grid", ["-"], input: .file(path)).output == expected)
    #expect(try run("png-grid", ["--", path], input: .closed).output == expected)
  }

  /// The same images as flat rows, in two arrays, channels last, and as bytes.
  @Test func otherShapesGiveTheSamePicture() throws {
    let bytes = (0..<36).map { UInt8($0 * 7) }
    let floats = f4(bytes.map { Float($0) / 255 })
    let expected = try run("png-grid", input: .pipe(npy("|u1", "(4, 3, 3)", bytes))).output
    #expect(try decode(expected).shape == [7, 22, 1])
    let others: [([String], [UInt8])] = [
      ([], npy("<f4", "(4, 3, 3)", floats)),
      ([], npy("|u1", "(4, 1, 3, 3)", bytes)),
      ([], npy("|u1", "(4, 9)", bytes)),
      (["--shape", "3x3"], npy("<f4", "(4, 9)", floats)),
      (["--channels-last"], npy("|u1", "(4, 3, 3, 1)", bytes)),
      (
        [],
        npy("|u1", "(1, 3, 3)", Array(bytes[..<9])) + npy("|u1", "(3, 3, 3)", Array(bytes[9...]))
      ),
      ([], [0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 3, 0, 0, 0, 3] + bytes),
    ]
    for (arguments, stream) in others {
      #expect(try run("png-grid", arguments, input: .pipe(stream)).output == expected)
    }
  }

  @Test func channelsMayComeLast() throws {
    let apart = npy("|u1", "(1, 3, 2, 2)", [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24])
    let together = npy("|u1", "(1, 2, 2, 3)", [1, 11, 21, 2, 12, 22, 3, 13, 23, 4, 14, 24])
    let expected = try run("png-grid", input: .pipe(apart)).output
    #expect(try decode(expected).shape == [2, 2, 3])
    #expect(try run("png-grid", ["--channels-last"], input: .pipe(together)).output == expected)
    let flat = npy("|u1", "(1, 12)", [1, 2, 3, 4, 11, 12, 13, 14, 21, 22, 23, 24])
    #expect(try run("png-grid", input: .pipe(flat)).output == expected)
  }

  @Test func bytesAreKeptExactly() throws {
    let bytes = (0...255).map { UInt8($0) }
    let result = try run("png-grid", input: .pipe(npy("|u1", "(1, 16, 16)", bytes)))
    #expect(try decode(result.output).pixels == bytes)
  }

  @Test func imagesAreEnlarged() throws {
    let images = npy("|u1", "(2, 3, 1, 2)", [1, 2, 11, 12, 21, 22, 3, 4, 13, 14, 23, 24])
    let result = try run(
      "png-grid", ["--scale", "2", "--padding", "1"], input: .pipe(images))
    let picture = try decode(result.output)
    #expect(picture.shape == [4, 11, 3])
    let line: [UInt8] = [0, 1, 1, 2, 2, 0, 3, 3, 4, 4, 0]
    let black = [UInt8](repeating: 0, count: 33)
    let pixels = line.flatMap { $0 == 0 ? [0, 0, 0] : [$0, $0 + 10, $0 + 20] }
    #expect(picture.pixels == black + pixels + pixels + black)
  }

  /// The captions of a grid are drawn beside it: without them the picture is that without captions.
  @Test(arguments: [("0", 1), ("1", 3), ("0.2", 4)])
  func captionsStandBesideTheImages(_ padValue: String, channels: Int) throws {
    let bytes = (0..<(4 * 400 * channels)).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let stream = npy("|u1", "(4, \(channels), 20, 20)", bytes)
    let options = ["--columns", "2", "--pad-value", padValue]
    let plain = try decode(try run("png-grid", options, input: .pipe(stream)).output)
    let captioned = try decode(
      try run(
        "png-grid", options + ["--row-captions", "one,o", "--column-captions", "A"],
        input: .pipe(stream)
      ).output)
    // Three letters of 6 pixels and 3 on each side; 9 lines and 3 more.
    #expect(captioned.shape == [plain.shape[0] + 12, plain.shape[1] + 24, channels])
    let width = captioned.shape[1] * channels
    var inside: [UInt8] = []
    for y in 12..<captioned.shape[0] {
      inside += captioned.pixels[(y * width + 24 * channels)..<((y + 1) * width)]
    }
    #expect(inside == plain.pixels)
    // An A: 18 pixels, in the colour that stands out, and opaque.
    let head = captioned.pixels[..<(12 * width)]
    let pad = UInt8(try #require(Double(padValue)) * 255 + 0.5)
    let ink = stride(from: 0, to: head.count, by: channels).map {
      Array(head[$0..<($0 + channels)])
    }
    .filter { $0 != [UInt8](repeating: pad, count: channels) }
    var expected = [UInt8](repeating: pad < 128 ? 255 : 0, count: channels)
    if channels == 4 { expected[3] = 255 }
    #expect(ink == [[UInt8]](repeating: expected, count: 18))
  }

  @Test func captionsThatDoNotFitAreRefused() throws {
    let stream = npy("|u1", "(2, 20, 20)", [UInt8](repeating: 0, count: 800))
    for (arguments, status, words) in [
      (["--row-captions", "a,b"], 65, "expected at most 1 row caption, one for each row"),
      (["--column-captions", "a,b,c"], 65, "expected at most 2 column captions, one for each"),
      (["--column-captions", "model"], 65, "needs images 30 pixels wide, got 22; --scale 2 makes"),
      (["--column-captions", "\u{e9}"], 64, "printable ASCII, got '\\xc3\\xa9'"),
      (["--column-captions", "a,,b"], 64, "is invalid"), (["--scale", "0"], 64, "from 1 to 256"),
      (["--shape", "15x10"], 65, "4 channels of 10x15 (shape 15x10), got 400 values"),
    ] {
      let result = try run("png-grid", arguments, input: .pipe(stream))
      #expect(result.status == Int32(status) && result.output.isEmpty, "\(arguments)")
      #expect(result.messages.contains(words), "\(result.messages)")
    }
    let enlarged = try run(
      "png-grid", ["--scale", "2", "--column-captions", "model,m"], input: .pipe(stream))
    #expect(enlarged.status == 0)
    let low = npy("|u1", "(1, 5, 20)", [UInt8](repeating: 0, count: 100))
    let result = try run("png-grid", ["--row-captions", "a"], input: .pipe(low))
    #expect(result.status == 65 && result.messages.contains("12 pixels high, got 5; --scale 3"))
  }

  // MARK: More than can wait

  @Test func largeStreamsAreDrawnAsTheyCome() throws {
    let rows = 1500
    let stream = npy("|u1", "(\(rows), 256, 256)")
    let image = (0..<65536).map { UInt8(truncatingIfNeeded: $0 &* 31 / 64) }
    let data = Array(repeatElement(image, count: rows).joined())
    let result = try run("png-grid", ["--padding", "0"], input: .pipe(stream + data))
    #expect(result.status == 0)
    #expect(result.peakMemory < 80 << 20)
    let reader = try PNGReader(
      ByteSource(bytes: result.output, name: "the picture"), limit: 1 << 28)
    #expect(reader.height == 188 * 256)
    #expect(reader.width == 8 * 256)

    let more = try run(
      "png-grid", ["--padding", "0"],
      input: .pipe(stream + data + npy("|u1", "(1, 256, 256)", image)))
    #expect(more.status == 65)
    #expect(more.lines.count == 1)
  }

  // MARK: Refused

  @Test(arguments: [
    ("(4, 5)", 20), ("(2, 2, 3, 3)", 36), ("(1, 3, 3, 3, 1)", 27), ("(4,)", 4), ("(0, 3, 3)", 0),
    ("(1, 5, 2, 2)", 20),
  ])
  func rowsThatAreNoImages(_ shape: String, count: Int) throws {
    let stream = npy("|u1", shape, [UInt8](repeating: 1, count: count))
    let result = try run("png-grid", input: .pipe(stream))
    #expect(result.status == 65)
    #expect(result.output.isEmpty)
    #expect(result.lines.count == 1)
    #expect(result.messages.hasPrefix("png-grid: standard input: "))
  }

  @Test(arguments: [
    "--columns 0", "--columns x", "--padding -1", "--padding 99999999", "--pad-value nan",
    "--shape 3", "--shape 0x3", "--shape 3x3x3", "--range 1", "--range 2,1", "--range a,b", "a b",
  ])
  func badUsage(_ arguments: String) throws {
    let result = try run("png-grid", arguments.split(separator: " ").map(String.init))
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.messages.hasPrefix("png-grid: "))
  }

  @Test func shapeMustFit() throws {
    let stream = npy("|u1", "(1, 9)", [UInt8](repeating: 1, count: 9))
    for size in ["2x2", "3x4", "9223372036854775807x1"] {
      #expect(try run("png-grid", ["--shape", size], input: .pipe(stream)).status == 65)
    }
  }
}
