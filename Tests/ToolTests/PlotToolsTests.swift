import Foundation
import Testing

@Suite struct PlotToolsTests {
  private let points = npy("<f4", "(50, 2)", f4((0..<100).map { Float(($0 * 37) % 41) }))
  private let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]
  private let metrics = """
    {"event":"epoch","epoch":1,"loss":160,"reconstruction":140,"kl":20,"valid_loss":150}
    {"event":"epoch","epoch":2,"loss":120,"reconstruction":98,"kl":22,"valid_loss":118}

    """

  /// The size a picture's header names.
  private func size(_ picture: [UInt8]) -> [UInt8] { Array(picture[16..<24]) }

  @Test func scatterDrawsPointsAndLabels() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(points, to: "points.npy")
    let labels = npy("|u1", "(50,)", (0..<50).map { UInt8($0 % 3) })
    let plain = try run("png-scatter", input: .pipe(points))
    #expect(plain.status == 0 && plain.messages == "")
    #expect(plain.output.starts(with: signature))
    #expect(size(plain.output) == [0, 0, 3, 192, 0, 0, 3, 32])  // 960x800
    #expect(try run("png-scatter", [file]).output == plain.output)
    let labelled = try run(
      "png-scatter", ["--labels", "-", "--names", "a,b,c", "--size", "300x200", file],
      input: .pipe(labels))
    #expect(labelled.status == 0 && labelled.output != plain.output)
    #expect(size(labelled.output) == [0, 0, 1, 44, 0, 0, 0, 200])
  }

  @Test func scatterSaysWhatDoesNotFit() throws {
    let folder = try TemporaryFolder()
    let labels = try folder.write(npy("|u1", "(2,)", [1, 2]), to: "y.npy")
    let few = try run("png-scatter", ["--labels", labels], input: .pipe(points))
    #expect(few.status == 65 && few.output.isEmpty)
    #expect(few.lines == ["png-scatter: \(labels): expected 50 labels, one for each point, got 2"])
    let wide = try run("png-scatter", input: .pipe(npy("<f4", "(1, 3)", f4([1, 2, 3]))))
    #expect(wide.status == 65)
    #expect(
      wide.lines == [
        "png-scatter: standard input: expected rows of 2 values, got 3; pca or tsne makes two of "
          + "them"
      ])
    let gone = try run("png-scatter", ["--labels", folder.path + "/no"], input: .pipe(points))
    #expect(gone.status == 66)
  }

  @Test func curvesDrawRuns() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Array(metrics.utf8), to: "run.jsonl")
    let one = try run("png-curves", input: .pipe(Array(metrics.utf8)))
    #expect(one.status == 0 && one.messages == "")
    #expect(one.output.starts(with: signature))
    #expect(size(one.output) == [0, 0, 4, 176, 0, 0, 1, 164])  // 1200x420
    #expect(try run("png-curves", [file]).output == one.output)
    let two = try run("png-curves", [file, "-"], input: .pipe(Array(metrics.utf8)))
    #expect(two.status == 0 && two.output != one.output)
    #expect(try run("png-curves", ["--metrics", "kl,loss", file]).output != one.output)

    let bad = try run("png-curves", input: .pipe(Array("{}\nwhat\n{}\n".utf8)))
    #expect(bad.status == 65 && bad.output.isEmpty)
    #expect(
      bad.lines == [
        "png-curves: standard input: line 2: expected a JSON object, as a training log has "
          + "them, got 'what'"
      ])
    #expect(try run("png-curves", ["--metrics", "no", file]).status == 65)
    #expect(try run("png-curves", [folder.path + "/no"]).status == 66)
  }

  @Test(arguments: [
    ["png-scatter", "--size", "0x9"], ["png-scatter", "--size", "20000x20"],
    ["png-scatter", "--size", "30x20"], ["png-scatter", "--names", "a"],
    ["png-scatter", "--labels", "-"], ["png-curves", "--metrics", "loss,,kl"],
    ["png-curves", "-", "-"],
  ])
  func refuseBadArguments(_ command: [String]) throws {
    let result = try run(command[0], Array(command.dropFirst()), input: .pipe(points))
    #expect(result.status == 64 && result.output.isEmpty)
  }

  #if os(Linux)
    @Test(arguments: ["png-scatter", "png-curves"]) func fullDiskIsAnError(_ tool: String) throws {
      let input = tool == "png-scatter" ? points : Array(metrics.utf8)
      #expect(try run(tool, input: .pipe(input), output: .file("/dev/full")).status == 74)
    }
  #endif
}
