import Foundation
import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Rows that are no copies of one another, in [0, 1].
private func stream(_ rows: Int, _ columns: Int = 12) -> [UInt8] {
  npy("<f4", "(\(rows), \(columns))", f4(values(rows * columns)))
}

private func values(_ count: Int) -> [Float] {
  (0..<count).map { Float(0.5 + 0.5 * sin(Double($0 * $0) * 0.37)) }
}

/// A small model, learned quickly.
private let small = ["--hidden", "8", "--latent", "2", "--batch", "16", "--epochs", "2"]

@Suite struct VAEFitTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func fit(
    _ arguments: [String] = [], input: Stream = .pipe(stream(50)), output: Stream = .pipe()
  ) throws -> ToolRun {
    try run("vae-fit", small + arguments, input: input, output: output)
  }

  private func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.path + "/" + name)
  }

  private func contents(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder.path + "/" + name)))
  }

  // MARK: A run

  @Test func learnsFromPipesAndFilesAlike() throws {
    let path = try folder.write(stream(50), to: "x.npy")
    let model = folder.path + "/m.vae"
    let piped = try fit()
    #expect(piped.status == 0)
    for (arguments, input) in [
      (["--input", path], Stream.closed), (["--input", "-"], .file(path)),
      (["--input", path, "-o", "-"], .pipe()),
    ] {
      let other = try fit(arguments, input: input)
      #expect(other.status == 0)
      #expect(other.output == piped.output)
    }
    let filed = try fit(["-o", model])
    #expect(filed.status == 0)
    #expect(filed.output.isEmpty)
    #expect(try contents("m.vae") == piped.output)
    let read = try ModelFile.read(ByteSource(path: model))
    #expect(read.inputShape == [12])
    #expect(read.latentSize == 2)
  }

  @Test func saysAPlainLineAnEpoch() throws {
    let result = try fit()
    #expect(result.lines.count >= 3)
    #expect(result.lines[0].hasPrefix("vae-fit: 50 rows of 12 f4, "))
    #expect(result.lines[1].hasPrefix("vae-fit: epoch 1/2  loss "))
    #expect(result.lines[2].hasPrefix("vae-fit: epoch 2/2  loss "))
    #expect(!result.messages.contains("\r"))
    #expect(try fit(["--quiet"]).messages == "")
  }

  @Test func bytesDoNotDependOnThreads() throws {
    for precision in ["f32", "auto"] {
      var seen: Set<[UInt8]> = []
      for threads in 1...4 {
        seen.insert(try fit(["--threads", "\(threads)", "--precision", precision]).output)
      }
      #expect(seen.count == 1)
    }
    #expect(try fit(["--seed", "1"]).output != fit(["--seed", "2"]).output)
  }

  /// Every choice of model, objective and optimiser from the command line, once.
  @Test(arguments: [
    "--model ae", "--hidden 8,4 --activation tanh", "--activation silu --dropout 0.2",
    "--activation leaky-relu --batch-norm", "--init-scheme glorot --bias-from-data",
    "--likelihood gaussian --sigma 0.7071", "--likelihood gaussian --sigma learned",
    "--likelihood gaussian --sigma pixel", "--likelihood logistic --binarize threshold",
    "--beta 4 --warmup 1", "--cyclical 2",
    "--free-bits 0.1", "--objective iwae --particles 5", "--kl sampled --particles 2",
    "--binarize dynamic", "--binarize threshold", "--optimizer adamw --weight-decay 0.01",
    "--optimizer rmsprop --clip-norm 1", "--optimizer sgd --momentum 0.9 --nesterov --lr 0.01",
    "--adam-betas 0.8,0.99 --adam-eps 1e-6", "--schedule cosine", "--schedule step:1,0.5",
    "--schedule stages:2 --epochs 4", "--valid 0.2 --patience 3", "--valid 0.9",
    "--freeze encoder", "--max-time 60s", "--batch 1000", "--batch 7",
  ])
  func trainsWith(_ arguments: String) throws {
    let model = folder.path + "/m.vae"
    let words = arguments.split(separator: " ").map(String.init)
    // An option that is given twice is an error; the small model's gives way.
    let kept = stride(from: 0, to: small.count, by: 2).flatMap {
      words.contains(small[$0]) ? [] : [small[$0], small[$0 + 1]]
    }
    let result = try run("vae-fit", kept + words + ["-o", model], input: .pipe(stream(50)))
    #expect(result.status == 0, "\(result.messages)")
    #expect(try ModelFile.read(ByteSource(path: model)).latentSize == 2)
  }

  /// Convolutions, from training to a probe.
  @Test(arguments: [
    ("(50, 9, 8)", "--conv 4,6"), ("(50, 3, 8, 7)", "--conv 4 --kernel 3 --upsample nearest"),
    ("(50, 7, 8, 3)", "--conv 4,5 --channels-last --residual 1 --batch-norm --hidden 6"),
    ("(50, 24, 2)", "--conv 4 --series --dropout 0.1 --likelihood gaussian --sigma pixel"),
    ("(50, 30)", "--conv 4,3 --series --kernel 5 --stride 3 --hidden none"),
    ("(50, 3, 8, 8)", "--conv 4 --bias-from-data --model ae --activation silu"),
  ])
  func trainsConvolutions(_ shape: String, _ arguments: String) throws {
    let sides = shape.dropFirst().dropLast().split(separator: ",")
      .compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    let rows = npy("<f4", shape, f4(values(sides.reduce(1, *))))
    let path = try folder.write(rows, to: "maps.npy")
    let options =
      ["--latent", "2", "--batch", "16", "--epochs", "2", path]
      + arguments.split(separator: " ").map(String.init)
    for precision in ["f32", "auto"] {
      let outputs = try ["1", "2", "3"].map { threads in
        let result = try run("vae-fit", options + ["--threads", threads, "--precision", precision])
        #expect(result.status == 0, "\(result.messages)")
        return result.output
      }
      #expect(Set(outputs).count == 1)
    }
    let (half, whole) = (folder.path + "/half.ckpt", folder.path + "/m.vae")
    #expect(try run("vae-fit", options + ["-o", whole]).status == 0)
    let stopped = try run(
      "vae-fit",
      options.enumerated().map { $0.offset == 5 ? "1" : $0.element }
        + ["--checkpoint", half, "-o", folder.path + "/one.vae"])
    #expect(stopped.status == 0, "\(stopped.messages)")
    let resumed = try run("vae-fit", options + ["--resume", half])
    #expect(resumed.status == 0, "\(resumed.messages)")
    #expect(try contents("m.vae") == resumed.output)
    let matched = try run(
      "vae-fit",
      options.enumerated().map { $0.offset == 1 ? "3" : $0.element }
        + ["--init", whole, "--init-matching"])
    #expect(matched.status == 0, "\(matched.messages)")

    let latents = try run("vae-encode", [whole, path])
    #expect(latents.status == 0)
    let decoded = try run("vae-decode", [whole], input: .pipe(latents.output))
    #expect(decoded.status == 0)
    #expect(String(decoding: decoded.output.prefix(128), as: UTF8.self).contains(shape))
    #expect(try run("vae-score", [whole, path]).status == 0)
    let labels = try folder.write(npy("|u1", "(50,)", (0..<50).map { UInt8($0 % 2) }), to: "y.npy")
    let probe = try run(
      "probe-fit", ["--finetune", whole, "--labels", labels, "--epochs", "1", path])
    #expect(probe.status == 0, "\(probe.messages)")
  }

  /// Options of convolutions, and rows that have no maps.
  @Test func refusesConvolutionsThatCannotBe() throws {
    for (arguments, status) in [
      (["--kernel", "3"], 64), (["--series"], 64), (["--conv", "4", "--stride", "5"], 64),
      (["--conv", ""], 64), (["--conv", "0"], 64), (["--conv", "4", "--kernel", "1"], 64),
      (["--conv", "4", "--series", "--channels-last"], 64), (["--preset", "none"], 64),
      (["--conv", "4"], 65), (["--conv", "4,4,4,4,4", "--series"], 65),
    ] {
      let result = try fit(arguments)
      #expect(result.status == status, "\(arguments): \(result.messages)")
    }
  }

  /// oneDNN 2.6 has a kernel for such products (AMX) that is no legal one.
  @Test func anyNumberOfInputsTrains() throws {
    for columns in [31, 63, 65] {
      let rows = npy("<f4", "(26, \(columns))", f4(values(26 * columns)))
      #expect(try run("vae-fit", ["--epochs", "1"], input: .pipe(rows)).status == 0)
    }
  }

  @Test func oneRowIsEnough() throws {
    #expect(try fit(input: .pipe(stream(1))).status == 0)
    #expect(try fit(["--batch-norm"], input: .pipe(stream(1))).status == 0)
    let held = try fit(["--valid", "0.5"], input: .pipe(stream(1)))
    #expect(held.status == 65)
    #expect(held.lines.count == 1)
  }

  @Test func logHoldsFiniteFigures() throws {
    let log = folder.path + "/run.jsonl"
    #expect(try fit(["--log", log, "--valid", "0.2"]).status == 0)
    let lines = String(decoding: try contents("run.jsonl"), as: UTF8.self).split(separator: "\n")
    for line in lines {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      let record = try #require(object as? [String: Any])
      for key in [
        "epoch", "loss", "reconstruction", "kl", "valid_loss", "active_units", "gradient_norm",
        "lr", "beta",
      ] {
        #expect((record[key] as? Double)?.isFinite == true, "\(key)")
      }
      #expect((record["kl_by_dimension"] as? [Double])?.count == 2)
    }
  }

  // MARK: Checkpoints and signals

  @Test func resumedRunIsTheUninterrupted() throws {
    let checkpoint = folder.path + "/run.ckpt"
    let whole = try fit()
    let half = ["--hidden", "8", "--latent", "2", "--batch", "16", "--epochs", "1"]
    let first = try run(
      "vae-fit", half + ["--checkpoint", checkpoint, "-o", folder.path + "/half.vae"],
      input: .pipe(stream(50)))
    #expect(first.status == 0)
    let rest = try fit(["--resume", checkpoint])
    #expect(rest.status == 0)
    // Both are of two epochs with the same options, so the records do not differ either.
    #expect(rest.output == whole.output)

    let other = try fit(["--resume", checkpoint, "--seed", "7"])
    #expect(other.status == 65)
    #expect(other.output.isEmpty)
    #expect(try fit(["--resume", folder.path + "/half.vae"]).status == 65)
    #expect(try fit(["--resume", "/nowhere/x.ckpt"]).status == 66)
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func signalsLeaveACheckpoint(_ number: Int32) throws {
    let (model, checkpoint) = (folder.path + "/m.vae", folder.path + "/run.ckpt")
    let long = [
      "--hidden", "8", "--latent", "2", "--batch", "16", "--epochs", "1000000",
      "--checkpoint", checkpoint, "-o", model,
    ]
    let result = try run("vae-fit", long, input: .pipe(stream(50))) { child in
      // The first checkpoint is there when the run has begun.
      while !self.exists("run.ckpt") { usleep(2000) }
      usleep(50_000)
      kill(child, number)
    }
    #expect(result.status == 128 + number)
    #expect(!exists("m.vae"))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["run.ckpt"])
    // It is a model, too, for a reader of models, and the run goes on from it.
    let info = try ModelFile.read(ByteSource(path: checkpoint))
    #expect(info.latentSize == 2)
    let again = try run("vae-fit", long + ["--resume", checkpoint], input: .pipe(stream(50))) {
      usleep(200_000)
      kill($0, number)
    }
    #expect(again.status == 128 + number)
    #expect(again.messages.contains("resumed after step"))
  }

  @Test func killedAtAnyMomentTheCheckpointIsWhole() throws {
    let checkpoint = folder.path + "/run.ckpt"
    let half = ["--hidden", "8", "--latent", "2", "--batch", "16"]
    let long = half + ["--epochs", "1000000", "--checkpoint", checkpoint]
    var resume: [String] = []
    for moment in 0..<8 {
      let result = try run("vae-fit", long + resume, input: .pipe(stream(50))) { child in
        usleep(UInt32(30_000 + 17_000 * moment))
        kill(child, SIGKILL)
      }
      #expect(result.status == 128 + SIGKILL, "\(result.messages)")
      if exists("run.ckpt") {
        _ = try Checkpoint(ByteSource(path: checkpoint))
        resume = ["--resume", checkpoint]
      }
    }
    #expect(!resume.isEmpty)
  }

  @Test func initStartsFromAModel() throws {
    let model = try folder.write(try fit().output, to: "m.vae")
    #expect(try fit(["--init", model]).status == 0)
    let wider = ["--hidden", "9", "--latent", "2", "--epochs", "1"]
    let refused = try run("vae-fit", wider + ["--init", model], input: .pipe(stream(50)))
    #expect(refused.status == 65)
    #expect(refused.messages.contains("encoder.0.weight: expected shape [9, 12], got [8, 12]"))
    let matching = wider + ["--init", model, "--init-matching"]
    #expect(try run("vae-fit", matching, input: .pipe(stream(50))).status == 0)
  }

  // MARK: Refused

  @Test func targetsMustFitTheLikelihood() throws {
    var wrong = values(36)
    wrong[17] = 1.5
    let model = folder.path + "/m.vae"
    let rows = npy("<f4", "(3, 12)", f4(wrong))
    let result = try fit(["-o", model], input: .pipe(rows))
    #expect(result.status == 65)
    #expect(result.lines.count == 1)
    for word in ["standard input: row 1: ", "1.5", "gaussian"] {
      #expect(result.messages.contains(word))
    }
    #expect(!exists("m.vae"))
    #expect(try fit(["-o", model, "--likelihood", "gaussian"], input: .pipe(rows)).status == 0)
    let valid = try folder.write(rows, to: "valid.npy")
    #expect(try fit(["--valid", valid]).status == 65)
    let narrow = try folder.write(stream(5, 11), to: "narrow.npy")
    let mismatch = try fit(["--valid", narrow])
    #expect(mismatch.status == 65)
    #expect(
      mismatch.messages == "vae-fit: \(narrow): row 0: expected 12 values, got 11\n")
  }

  @Test func emptyStreamsAreRefused() throws {
    let model = folder.path + "/m.vae"
    let result = try fit(["-o", model], input: .pipe(npy("<f4", "(0, 12)")))
    #expect(result.status == 65)
    #expect(result.messages == "vae-fit: standard input: no rows to learn from\n")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let none = try folder.write(npy("<f4", "(0, 12)"), to: "none.npy")
    #expect(try fit(["--valid", none]).status == 65)
  }

  @Test(arguments: [
    "--hidden", "--hidden 4,", "--lr -1", "--beta nan", "--sigma x", "--particles 0",
    "--free-bits -1", "--warmup 1 --cyclical 2", "--momentum 1", "--adam-betas 1,0",
    "--clip-norm 0", "--patience 0 --valid 0.5", "--schedule stages:0", "--optimizer lion",
    "--likelihood x", "--seed -1", "x.npy y.npy",
  ])
  func badUsage(_ arguments: String) throws {
    let result = try run("vae-fit", arguments.split(separator: " ").map(String.init))
    #expect(result.status == 64, "\(result.messages)")
    #expect(result.output.isEmpty)
    #expect(result.messages.hasPrefix("vae-fit: "))
  }

  @Test func filesMustBeThereAndMakeable() throws {
    #expect(try fit(["--input", "/nowhere/x.npy"]).status == 66)
    #expect(try fit(["--init", "/nowhere/m.vae"]).status == 66)
    #expect(try fit(["--valid", "/nowhere/x.npy"]).status == 66)
    for option in ["-o", "--log", "--checkpoint"] {
      #expect(try fit([option, "/nowhere/file"]).status == 73, "\(option)")
    }
    let text = try folder.write(Array("not a model".utf8), to: "m.vae")
    #expect(try fit(["--init", text]).status == 65)
  }

  @Test func outputMustBeWritable() throws {
    #if os(Linux)
      let full = try fit(output: .file("/dev/full"))
      #expect(full.status == 74)
      #expect(try fit(["--log", "/dev/full"]).status == 74)
    #endif
    #expect(try fit(output: .closed).status == 74)
    #expect(try fit(output: .terminal).status == 64)
    // A model of 3 MB: more than a pipe holds.
    let wide = ["--hidden", "400", "--latent", "2", "--epochs", "1", "-q"]
    let head = try run("vae-fit", wide, input: .pipe(stream(4, 1000)), output: .head(1))
    #expect(head.status == 141)
    #expect(head.messages == "")
  }
}
