import Foundation
import Testing

@Suite struct ProbeTests {
  private let folder: TemporaryFolder
  /// 60 rows of 6×6 bytes whose labels, 3 and 8, are those of a dark and a bright half.
  private let rows: String
  private let labels: String

  init() throws {
    folder = try TemporaryFolder()
    let bytes = (0..<60 * 36).map { i -> UInt8 in
      let bright = (i % 36 < 18) == (i / 36 % 2 == 0)
      return UInt8(truncatingIfNeeded: i &* 97 % 80 + (bright ? 150 : 0))
    }
    rows = try folder.write(npy("|u1", "(60, 6, 6)", bytes), to: "x.npy")
    labels = try folder.write(
      npy("|u1", "(60,)", (0..<60).map { $0 % 2 == 0 ? 3 : 8 }), to: "y.npy")
  }

  private func path(_ name: String) -> String { "\(folder.path)/\(name)" }

  @Test func fitsAndPredicts() throws {
    let fit = try run(
      "probe-fit", ["--labels", labels, "-o", path("p")], input: .file(rows))
    #expect(fit.status == 0 && fit.output.isEmpty, "\(fit.messages)")
    #expect(fit.messages.contains("probe-fit: accuracy 100.00 %, 60 of 60 rows\n"))
    #expect(fit.messages.contains("\nlabel   3   8    right\n"))
    let guess = try run("probe-predict", [path("p"), "--labels", labels, rows])
    #expect(guess.status == 0)
    #expect(guess.output == (try contents(labels)))
    #expect(guess.messages.contains("probe-predict: accuracy 100.00 %, 60 of 60 rows\n"))
    let quiet = try run(
      "probe-predict", [path("p"), "--probabilities", "-q", "--labels", labels, rows])
    #expect(quiet.messages == "" && quiet.output.count == 128 + 60 * 2 * 4)
  }

  @Test func rowsWithoutALabelAreCounted() throws {
    let some = try folder.write(
      npy("<f4", "(60,)", f4((0..<60).map { [3, 8, -1, .nan, 3, 8][$0 % 6] })), to: "some.npy")
    for tool in [["probe-fit", "-o", path("p")], ["probe-predict", path("p")]] {
      let result = try run(tool[0], Array(tool[1...]) + ["--labels", some, rows])
      #expect(result.status == 0)
      #expect(
        result.messages.contains(
          "\(tool[0]): accuracy 100.00 %, 40 of 40 rows; 20 without a label passed over\n"),
        "\(result.messages)")
    }
  }

  @Test func pipesAreTheSame() throws {
    let file = try run("probe-fit", ["-q", "--labels", labels, "-o", path("p"), rows])
    #expect(file.status == 0 && file.messages == "")
    let piped = try run("probe-fit", ["--labels", "-", rows], input: .file(labels))
    #expect(piped.output == (try contents(path("p"))))
    let guess = try run("probe-predict", ["-", rows], input: .pipe(piped.output))
    #expect(guess.output == (try contents(labels)))
  }

  @Test func trainsThroughAnEncoder() throws {
    let fit = try run(
      "vae-fit",
      ["-q", "--epochs", "1", "--hidden", "16", "--latent", "2", "--input", rows, "-o", path("m")])
    #expect(fit.status == 0, "\(fit.messages)")
    for option in [[], ["--reinitialise"], ["--precision", "bf16"]] {
      let tune = try run(
        "probe-fit",
        ["--finetune", path("m"), "--labels", labels, "--epochs", "30", "--lr", "0.01"] + option
          + [rows])
      #expect(tune.status == 0, "\(tune.messages)")
      #expect(tune.messages.contains("epoch 30/30  loss "))
      let guess = try run("probe-predict", ["-", rows], input: .pipe(tune.output))
      #expect(guess.output == (try contents(labels)))
      let latents = try run("vae-encode", ["-", rows], input: .pipe(tune.output))
      #expect(latents.status == 0 && latents.output.count == 128 + 60 * 2 * 4)
    }
  }

  // MARK: Refusals

  private func refusal(
    _ tool: String, _ arguments: [String], status: Int32, _ message: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(tool, arguments, input: .file(rows))
    #expect(result.status == status, "\(result.messages)", sourceLocation: sourceLocation)
    #expect(
      result.messages.contains(message), "\(result.messages)", sourceLocation: sourceLocation)
  }

  @Test func labelsMustFit() throws {
    func refuse(_ file: [UInt8], _ message: String) throws {
      let labels = try folder.write(file, to: "bad.npy")
      let result = try run(
        "probe-fit", ["--labels", labels, "-o", path("none"), rows])
      #expect(result.status == 65)
      #expect(result.messages == "probe-fit: \(labels): \(message)\n")
      #expect(!FileManager.default.fileExists(atPath: path("none")))
    }
    try refuse(
      npy("|u1", "(3,)", [1, 2, 3]), "expected 60 labels, one for each row of \(rows), got 3")
    try refuse(
      npy("|u1", "(60,)", .init(repeating: 4, count: 60)),
      "expected labels of two classes at least, got 4 only")
    try refuse(
      npy("<f4", "(3,)", f4([1, 2, 2.5])), "row 2: expected a whole number for a label, got 2.5")
    try refuse(
      npy("<f4", "(60,)", f4((0..<60).map { Float($0 * 7) })),
      "expected classes, got 60 different labels for 60 rows, which look like a continuous target; "
        + "cut it into classes")
    try refuse(
      npy("<i2", "(60,)", .init(repeating: 255, count: 120)),
      "expected labels, got none: -1 and NaN stand for no label")
    try refuse(npy("|u1", "(1, 2)", [1, 2]), "expected one label a row, got rows of 2 values")
    let few = try folder.write(npy("|u1", "(2,)", [3, 8]), to: "few.npy")
    _ = try run("probe-fit", ["-q", "--labels", labels, "-o", path("p"), rows])
    try refusal(
      "probe-predict", [path("p"), "--labels", few], status: 65,
      "\(few): expected 60 labels, one for each row of standard input, got 2")
  }

  @Test func rowsAndFilesMustFit() throws {
    _ = try run("probe-fit", ["-q", "--labels", labels, "-o", path("p"), rows])
    let narrow = try folder.write(npy("<f4", "(1, 4)", f4([1, 2, 3, 4])), to: "narrow.npy")
    try refusal("probe-predict", [path("p"), narrow], status: 65, "expected 36 values, got 4")
    try refusal("probe-predict", [rows], status: 65, rows)
    try refusal("probe-predict", [path("nowhere")], status: 66, "no such file")
    try refusal("probe-fit", ["--labels", path("nowhere")], status: 66, "no such file")
    try refusal("vae-decode", [path("p")], status: 65, "a probe has no decoder")
    try refusal("vae-encode", [path("p")], status: 65, "has no encoder")
    try refusal(
      "probe-fit", ["--finetune", path("p"), "--labels", labels], status: 65,
      "\(path("p")): expected a model whose encoder can be trained further")
  }

  @Test func usageIsChecked() throws {
    try refusal("probe-fit", [], status: 64, "--labels")
    try refusal("probe-fit", ["--labels", "-"], status: 64, "standard input")
    try refusal("probe-predict", ["p"], status: 66, "p: no such file")
    for option in [
      ["--epochs", "3"], ["--reinitialise"], ["--lr", "0.1"], ["--batch", "9"],
      ["--weight-decay", "0"], ["--seed", "1"], ["--precision", "f32"],
    ] {
      try refusal(
        "probe-fit", ["--labels", labels] + option, status: 64,
        "\(option[0]) is an option of --finetune")
    }
    for option in [["--l2=-1"], ["--tol=nan"], ["--max-iter=-1"]] {
      try refusal("probe-fit", ["--labels", labels] + option, status: 64, "expected 0")
    }
  }

  private func contents(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }
}
