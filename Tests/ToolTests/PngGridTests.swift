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
    for size in ["2x2", "3x4", "9223372036854775807x3"] {
      #expect(try run("png-grid", ["--shape", size], input: .pipe(stream)).status == 65)
    }
  }
}
