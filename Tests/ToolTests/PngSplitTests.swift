import Foundation
import Testing

@Suite struct PngSplitTests {
  private let rows = npy("|u1", "(3, 1, 2)", [1, 2, 3, 4, 5, 6])

  private func files(_ folder: TemporaryFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func rowsBecomeFilesThatComeBack() throws {
    let folder = try TemporaryFolder()
    let result = try run("png-split", ["--prefix", folder.path + "/p-"], input: .pipe(rows))
    #expect(result.status == 0 && result.output.isEmpty && result.messages == "")
    let names = try files(folder)
    #expect(names == ["p-0000.png", "p-0001.png", "p-0002.png"])
    let back = try run("png-cat", names.map { "\(folder.path)/\($0)" })
    #expect(back.output == rows)
  }

  @Test func shapesAndChannelsAreThoseOfPngGrid() throws {
    let folder = try TemporaryFolder()
    let flat = npy("<f4", "(1, 2)", f4([0, 1]))
    let together = npy("|u1", "(1, 1, 2, 3)", [1, 11, 21, 2, 12, 22])
    for (arguments, stream, expected) in [
      (["--shape", "1x2"], flat, npy("|u1", "(1, 1, 2)", [0, 255])),
      (["--channels-last"], together, npy("|u1", "(1, 3, 1, 2)", [1, 2, 11, 12, 21, 22])),
    ] {
      let split = try run(
        "png-split", ["--prefix", folder.path + "/"] + arguments, input: .pipe(stream))
      #expect(split.status == 0)
      #expect(try run("png-cat", [folder.path + "/0000.png"]).output == expected)
    }
  }

  @Test func filesAreNamedAfterAList() throws {
    let folder = try TemporaryFolder()
    let list = try folder.write(Array("x/cat.jpg\n.dog\na.b.png\n".utf8), to: "list")
    let result = try run(
      "png-split", ["--prefix", folder.path + "/", "--names-from", list], input: .pipe(rows))
    #expect(result.status == 0)
    #expect(try files(folder) == [".dog.png", "a.b.png", "cat.png", "list"])
  }

  @Test func namesThatPngCatListedComeBack() throws {
    let folder = try TemporaryFolder()
    _ = try run("png-split", ["--prefix", folder.path + "/p"], input: .pipe(rows))
    let names = (0..<3).map { "\(folder.path)/p000\($0).png" }
    let list = folder.path + "/list"
    let read = try run(
      "png-cat", ["--files-from", "-", "--list", list],
      input: .pipe(Array(names.joined(separator: "\n").utf8)))
    #expect(read.output == rows)
    #expect(
      try String(contentsOfFile: list, encoding: .utf8) == names.joined(separator: "\n") + "\n")
    let other = try TemporaryFolder()
    let split = try run(
      "png-split", ["--prefix", other.path + "/", "--names-from", list], input: .pipe(rows))
    #expect(split.status == 0)
    #expect(try files(other) == ["p0000.png", "p0001.png", "p0002.png"])
  }

  @Test(arguments: [
    ("a\nb\n", "2 names, and the stream has more rows"),
    ("a\nb\nc\nd\n", "4 names, expected as many as rows, 3"),
    ("a.png\nx/a.jpg\nc\n", "lines 1 and 2 both become "),
    ("a\n\nc\n", "line 2: expected the name of a file in UTF-8, got ''"),
    ("a\n\u{0}\nc\n", "line 2: expected the name of a file in UTF-8, got '\\x00'"),
    ("a\nx/\nc\n", "line 2: expected the name of a file, got 'x/'"),
    ("a\n..\nc\n", "line 2: expected the name of a file, got '..'"),
    ("", "no lines, expected the name of a file on each"),
  ])
  func listsThatDoNotFit(_ list: String, _ words: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array(list.utf8), to: "list")
    let result = try run(
      "png-split", ["--prefix", folder.path + "/", "--names-from", file], input: .pipe(rows))
    #expect(result.status == 65 && result.lines.count == 1)
    #expect(result.messages.hasPrefix("png-split: \(file): \(words)"), "\(result.messages)")
  }

  @Test func refusesWhatItCannotWrite() throws {
    let folder = try TemporaryFolder()
    let nowhere = try run(
      "png-split", ["--prefix", folder.path + "/none/"], input: .pipe(rows))
    #expect(nowhere.status == 73 && nowhere.lines.count == 1)
    let flat = npy("|u1", "(1, 2)", [1, 2])
    let prefix = ["--prefix", folder.path + "/"]
    #expect(try run("png-split", prefix, input: .pipe(flat)).status == 65)
    #expect(try run("png-split", prefix + ["nowhere.npy"]).status == 66)
    #expect(try run("png-split", prefix + ["--names-from", "nowhere"]).status == 66)
    for arguments in [["--names-from", "-"], ["a", "b"], ["--shape", "2"]] {
      #expect(try run("png-split", prefix + arguments).status == 64)
    }
    #expect(try files(folder) == [])
  }
}
