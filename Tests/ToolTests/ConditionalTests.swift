import Foundation
import Testing

/// Conditional models: rows whose label is half of what they are.
@Suite struct ConditionalTests {
  private let folder: TemporaryFolder
  /// 60 rows of 6×6 bytes; those of label 3 are bright above, those of label 8 below.
  private let rows: String
  private let labels: String
  private let model: String

  init() throws {
    folder = try TemporaryFolder()
    let bytes = (0..<60 * 36).map { i -> UInt8 in
      let bright = (i % 36 < 18) == (i / 36 % 2 == 0)
      return UInt8(truncatingIfNeeded: i &* 97 % 80 + (bright ? 150 : 0))
    }
    rows = try folder.write(npy("|u1", "(60, 6, 6)", bytes), to: "x.npy")
    labels = try folder.write(
      npy("|u1", "(60,)", (0..<60).map { $0 % 2 == 0 ? 3 : 8 }), to: "y.npy")
    model = "\(folder.path)/m.vae"
  }

  private static let size = ["--hidden", "16", "--latent", "2", "--lr", "0.01", "--batch", "20"]

  private func fit(_ options: [String] = [], epochs: Int = 30) throws -> ToolRun {
    try run(
      "vae-fit",
      [rows, "-y", labels, "-q", "-o", model, "--epochs", "\(epochs)"] + Self.size + options)
  }

  private func floats(_ bytes: [UInt8]) -> [Float] {
    bytes.dropFirst(128).withUnsafeBytes { raw in
      (0..<raw.count / 4).map { raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) }
    }
  }

  @Test(arguments: [[], ["--conv", "4", "--hidden", "none"], ["--particles", "2"]])
  func labelsAreWhatIsDecoded(_ options: [String]) throws {
    let fitted = try fit(options)
    #expect(fitted.status == 0, "\(fitted.messages)")
    let z = npy("<f4", "(2, 2)", f4([0.5, -0.25, 0.5, -0.25]))
    let file = try folder.write(
      npy("<i8", "(2,)", [3, 0, 0, 0, 0, 0, 0, 0, 8] + [0, 0, 0, 0, 0, 0, 0]), to: "two.npy")
    let both = try run("vae-decode", [model, "-y", file], input: .pipe(z))
    #expect(both.status == 0, "\(both.messages)")
    let values = floats(both.output)
    for (row, brightAbove) in [true, false].enumerated() {
      let picture = values[row * 36..<row * 36 + 36]
      let (above, below) = (picture.prefix(18).reduce(0, +), picture.suffix(18).reduce(0, +))
      #expect((above > below) == brightAbove)
    }
    let one = try run("vae-decode", [model, "--label", "8"], input: .pipe(z))
    #expect(one.status == 0)
    #expect(Array(floats(one.output).suffix(36)) == Array(values.suffix(36)))
  }

  @Test func rowsAreCodedAndScoredWithTheirLabels() throws {
    #expect(try fit().status == 0)
    let latents = try run("vae-encode", [model, "-y", labels, rows])
    #expect(latents.status == 0 && floats(latents.output).count == 120, "\(latents.messages)")
    let wrong = try folder.write(
      npy("|u1", "(60,)", (0..<60).map { $0 % 2 == 0 ? 8 : 3 }), to: "wrong.npy")
    let scores = try run("vae-score", [model, "-y", labels, "--particles", "3", rows])
    let others = try run("vae-score", [model, "-y", wrong, "--particles", "3", rows])
    #expect(scores.status == 0, "\(scores.messages)")
    #expect(zip(floats(scores.output), floats(others.output)).allSatisfy { $0 < $1 })
    // log p(y) is that of half of the rows.
    let nll = try run(
      "vae-score", [model, "-y", labels, "--term", "nll", "--particles", "10", rows])
    let classes = try run("vae-score", [model, "--classify", rows])
    #expect(classes.status == 0, "\(classes.messages)")
    let table = floats(classes.output)
    #expect(table.count == 120)
    for (row, loss) in floats(nll.output).enumerated() {
      let own = table[2 * row + row % 2]
      #expect(abs(own - (Float(log(0.5)) - loss)) < 1e-4)
      #expect(own > table[2 * row + 1 - row % 2])
    }
  }

  @Test func anyThreadsAndAResumeGiveTheSameModel() throws {
    var models: Set<Data> = []
    for threads in ["1", "2", "3"] {
      #expect(try fit(["--threads", threads], epochs: 4).status == 0)
      models.insert(try Data(contentsOf: URL(fileURLWithPath: model)))
    }
    let checkpoint = "\(folder.path)/c"
    #expect(try fit(["--checkpoint", checkpoint], epochs: 2).status == 0)
    let resumed = try fit(["--resume", checkpoint], epochs: 4)
    #expect(resumed.status == 0, "\(resumed.messages)")
    models.insert(try Data(contentsOf: URL(fileURLWithPath: model)))
    #expect(models.count == 1)
    // Other labels are another run.
    let other = try folder.write(
      npy("|u1", "(60,)", (0..<60).map { $0 < 30 ? 3 : 8 }), to: "other.npy")
    let refused = try run(
      "vae-fit",
      [rows, "-y", other, "-q", "-o", model, "--epochs", "4", "--resume", checkpoint] + Self.size)
    #expect(refused.status == 65 && refused.messages.contains("labels of SHA-256"))
  }

  @Test func otherRowsAreValidatedWithTheirLabels() throws {
    let held = "\(folder.path)/held.npy"
    let heldLabels = "\(folder.path)/held-labels.npy"
    try FileManager.default.copyItem(atPath: rows, toPath: held)
    try FileManager.default.copyItem(atPath: labels, toPath: heldLabels)
    for options in [
      ["--valid", held, "--valid-labels", heldLabels, "--patience", "2"], ["--valid", "0.2"],
      ["--model", "ae"],
    ] {
      let fitted = try fit(options, epochs: 2)
      #expect(fitted.status == 0, "\(fitted.messages)")
    }
  }

  @Test func labelsMustFit() throws {
    func refuse(_ labels: [UInt8], _ message: String, _ status: Int32 = 65) throws {
      let path = try folder.write(labels, to: "bad.npy")
      let result = try run("vae-fit", [rows, "-y", path, "-q", "-o", model])
      #expect(result.status == status && result.output.isEmpty)
      #expect(result.messages.contains(message), "\(result.messages)")
      #expect(result.messages.split(separator: "\n").count == 1, "\(result.messages)")
    }
    try refuse(npy("|u1", "(59,)", (0..<59).map { $0 % 2 }), "expected 60 labels")
    try refuse(npy("|u1", "(61,)", (0..<61).map { $0 % 2 }), "expected 60 labels")
    try refuse(npy("|u1", "(60,)", [UInt8](repeating: 4, count: 60)), "got 4 only")
    try refuse(
      npy("<f4", "(60,)", f4((0..<60).map { Float($0 % 2) + 0.5 })), "row 0: expected a whole")
    try refuse(
      npy("<f4", "(60,)", f4((0..<60).map { $0 == 7 ? -1 : Float($0 % 2) })),
      "row 7: expected a label")
    try refuse(npy("<f4", "(60,)", f4([Float](repeating: .nan, count: 60))), "label")

    #expect(try fit(epochs: 1).status == 0)
    func refuseCoding(_ arguments: [String], _ status: Int32, _ message: String) throws {
      let result = try run(arguments[0], Array(arguments.dropFirst()))
      #expect(result.status == status, "\(arguments): \(result.messages)")
      #expect(result.messages.contains(message), "\(result.messages)")
    }
    let few = try folder.write(
      npy("|u1", "(59,)", (0..<59).map { $0 % 2 == 0 ? 3 : 8 }), to: "few.npy")
    let many = try folder.write(
      npy("|u1", "(61,)", (0..<61).map { $0 % 2 == 0 ? 3 : 8 }), to: "many.npy")
    let strange = try folder.write(
      npy("|u1", "(60,)", (0..<60).map { $0 < 5 ? 3 : 4 }), to: "strange.npy")
    for tool in ["vae-encode", "vae-score"] {
      try refuseCoding([tool, model, rows], 64, "-y, --labels")
      try refuseCoding([tool, model, "-y", few, rows], 65, "59 labels, and more rows in")
      try refuseCoding([tool, model, "-y", many, rows], 65, "expected 60 labels")
      try refuseCoding(
        [tool, model, "-y", strange, rows], 65, "row 5: the model has not learned of label 4")
    }
    let z = try folder.write(npy("<f4", "(1, 2)", f4([0, 0])), to: "z.npy")
    try refuseCoding(["vae-decode", model, z], 64, "-y, --labels")
    try refuseCoding(["vae-decode", model, "--label", "5", z], 65, "not learned of label 5")
    try refuseCoding(["vae-decode", model, "--label", "3", "-y", labels, z], 64, "exclude")
    try refuseCoding(
      ["vae-score", model, "--classify", "-y", labels, rows], 64, "--labels has no effect")
    try refuseCoding(
      ["vae-score", model, "--classify", "--flags", rows], 64, "--flags has no effect")

    let plain = "\(folder.path)/plain"
    let made = try run("vae-fit", [rows, "-q", "-o", plain, "--epochs", "1"] + Self.size)
    #expect(made.status == 0)
    try refuseCoding(["vae-encode", plain, "-y", labels, rows], 64, "not conditional")
    try refuseCoding(["vae-decode", plain, "--label", "3", z], 64, "not conditional")
    try refuseCoding(["vae-score", plain, "--classify", rows], 64, "conditional")
    try refuseCoding(
      ["vae-fit", rows, "-y", labels, "--valid", rows, "-o", plain], 64, "--valid-labels")
    try refuseCoding(
      ["vae-fit", rows, "--valid-labels", labels, "--valid", rows, "-o", plain], 64, "--labels")
    try refuseCoding(
      ["probe-fit", "--finetune", model, "--labels", labels, rows], 65, "conditional")
  }
}
