import Foundation
import Testing

@Suite struct PngCatTests {
  /// A picture, by png-grid.
  private func png(_ stream: [UInt8]) throws -> [UInt8] {
    try run("png-grid", input: .pipe(stream)).output
  }

  @Test(arguments: ["(1, 3, 4)", "(1, 3, 2, 2)", "(1, 4, 1, 3)"])
  func picturesComeBack(shape: String) throws {
    let samples = (0..<12).map { UInt8($0 * 21) }
    let stream = npy("|u1", shape, samples)
    #expect(try run("png-cat", input: .pipe(png(stream))).output == stream)
  }

  @Test func operandsAndConcatenationsAreAlike() throws {
    let stream = npy("|u1", "(1, 1, 2)", [7, 9])
    let picture = try png(stream)
    let folder = try TemporaryFolder()
    let path = try folder.write(picture, to: "a.png")
    let three = npy("|u1", "(3, 1, 2)", [7, 9, 7, 9, 7, 9])
    #expect(try run("png-cat", [path, "-"], input: .pipe(picture + picture)).output == three)
    #expect(try run("png-cat", [path, path, path], input: .closed).output == three)
  }

  @Test func channelsMayComeLast() throws {
    let picture = try png(npy("|u1", "(1, 3, 1, 2)", [1, 2, 11, 12, 21, 22]))
    #expect(
      try run("png-cat", ["--channels-last"], input: .pipe(picture)).output
        == npy("|u1", "(1, 1, 2, 3)", [1, 11, 21, 2, 12, 22]))
  }

  @Test func coloursAreMadeGreyOrRGB() throws {
    let grey = try png(npy("|u1", "(1, 1, 1)", [100]))
    let clear = try png(npy("|u1", "(1, 4, 1, 1)", [255, 0, 0, 51]))
    let mixed = try run("png-cat", [], input: .pipe(grey + clear))
    #expect(mixed.status == 65 && mixed.output.isEmpty && mixed.messages.contains("--grey"))
    #expect(
      try run("png-cat", ["--rgb", "--background", "100"], input: .pipe(grey + clear)).output
        == npy("|u1", "(2, 3, 1, 1)", [100, 100, 100, 131, 80, 80]))
    // 0.299 of red 51.
    #expect(
      try run("png-cat", ["--grey"], input: .pipe(grey + clear)).output
        == npy("|u1", "(2, 1, 1)", [100, 15]))
  }

  @Test func sizesAreMadeEqual() throws {
    let small = try png(npy("|u1", "(1, 1, 2)", [0, 200]))
    let large = try png(npy("|u1", "(1, 2, 4)", [0, 0, 200, 200, 0, 0, 200, 200]))
    let mixed = try run("png-cat", input: .pipe(small + large))
    #expect(mixed.status == 65 && mixed.messages.contains("--size"))
    // Both ways of writing a size, as which one is meant is easily mistaken.
    #expect(mixed.messages.contains("is 4x2 (shape 2x4), expected 2x1 (shape 1x2)"))
    let one = try run("png-cat", ["--size", "1x1"], input: .pipe(small + large))
    #expect(one.output == npy("|u1", "(2, 1, 1)", [100, 100]))
    let wide = try run("png-cat", ["--size", "2x1"], input: .pipe(small)).output
    #expect(wide == npy("|u1", "(1, 1, 2)", [0, 200]))
    let cropped = try run("png-cat", ["--size", "1x1", "--crop"], input: .pipe(small))
    #expect(cropped.status == 0)
    let wrong = [["--crop"], ["--size", "0x1"], ["--size", "99999x1"], ["--background", "256"]]
    for arguments in wrong {
      #expect(try run("png-cat", arguments, input: .pipe(small)).status == 64)
    }
  }

  @Test func netpbmPicturesAreRead() throws {
    let folder = try TemporaryFolder()
    let grey = Array("P5\n2 1\n255\n".utf8) + [7, 9]
    let file = try folder.write(grey, to: "a.pgm")
    let picture = try png(npy("|u1", "(1, 1, 2)", [7, 9]))
    // One after the other, PNG among them.
    #expect(
      try run("png-cat", [file, "-"], input: .pipe(grey + picture + grey)).output
        == npy("|u1", "(4, 1, 2)", [7, 9, 7, 9, 7, 9, 7, 9]))
    let colour = Array("P6 1 1 255\n".utf8) + [1, 2, 3]
    #expect(
      try run("png-cat", input: .pipe(colour)).output == npy("|u1", "(1, 3, 1, 1)", [1, 2, 3]))
    for bytes in [Array("P4 1 1\n0".utf8), Array(colour.dropLast()), colour + [0]] {
      let result = try run("png-cat", input: .pipe(bytes))
      #expect(result.status == 65 && result.output.isEmpty && result.lines.count == 1)
      #expect(result.messages.hasPrefix("png-cat: standard input: "))
    }
    let huge = try run("png-cat", input: .pipe(Array("P6 65536 1024 255\n".utf8)))
    #expect(huge.status == 65 && huge.peakMemory < 64 << 20)
  }

  @Test func filesMayBeListed() throws {
    let folder = try TemporaryFolder()
    let one = Array("P5 1 1 255\n".utf8) + [1]
    let a = try folder.write(one, to: "a.pgm")
    let two = try folder.write(one + one, to: "two.pgm")
    let files = try folder.write(Array("\(two)\n\(a)\n".utf8), to: "files")
    let list = folder.path + "/list"
    let result = try run("png-cat", ["--files-from", files, "--list", list], input: .closed)
    #expect(result.output == npy("|u1", "(3, 1, 1)", [1, 1, 1]))
    #expect(try String(contentsOfFile: list, encoding: .utf8) == "\(two)\n\(two)\n\(a)\n")

    let none = try folder.write([], to: "none")
    #expect(try run("png-cat", ["--files-from", none]).status == 65)
    #expect(try run("png-cat", ["--files-from", "nowhere"]).status == 66)
    #expect(try run("png-cat", ["--files-from", files, a]).status == 64)
    #expect(
      try run("png-cat", ["--files-from", "-"], input: .pipe(Array("-\n".utf8))).status == 64)
    #expect(try run("png-cat", [a, "--list", folder.path + "/no/list"]).status == 73)
    // A list that would not be that of a stream does not appear.
    let broken = folder.path + "/broken"
    #expect(try run("png-cat", [a, "nowhere", "--list", broken]).status == 66)
    #expect(!FileManager.default.fileExists(atPath: broken))
  }

  @Test func hostilePicturesAreRefused() throws {
    let picture = try png(npy("|u1", "(1, 6, 6)", (0..<36).map { UInt8($0) }))
    var hostile = [Array(picture.dropLast()), Array("GIF89a".utf8), [], picture + [0]]
    // Sides that nobody could hold, with a checksum of other sides.
    hostile.append(picture)
    hostile[4].replaceSubrange(16..<24, with: [0x7f, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff])
    for index in stride(from: 0, to: picture.count, by: 3) {
      hostile.append(picture)
      hostile[hostile.count - 1][index] ^= 0x10
    }
    for bytes in hostile {
      let result = try run("png-cat", input: .pipe(bytes))
      #expect(result.status == 65 && result.output.isEmpty, "\(result.messages)")
      #expect(result.messages.hasPrefix("png-cat: standard input: "))
      #expect(result.lines.count == 1 && result.peakMemory < 64 << 20)
    }
    #expect(try run("png-cat", ["nowhere.png"]).status == 66)
  }
}
