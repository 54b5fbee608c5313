import Foundation
import Testing

/// A model of rows of 36 values, trained once for all tests.
let modelOf36Values: String = {
  do {
    let folder = FileManager.default.temporaryDirectory.path
    let path = "\(folder)/vae-tools-tests-\(getpid()).vae"
    let result = try run(
      "vae-fit",
      ["--hidden", "16", "--latent", "3", "--epochs", "2", "--quiet", "-o", path],
      input: .pipe(imagesOf36Values(64)))
    precondition(result.status == 0, "\(result.messages)")
    return path
  } catch {
    fatalError("\(error)")
  }
}()

func imagesOf36Values(_ count: Int) -> [UInt8] {
  npy("<f4", "(\(count), 6, 6)", f4((0..<count * 36).map { Float($0 % 37 + $0 / 36 % 5) / 41 }))
}

@Suite struct VAEToolTests {
  private let images = imagesOf36Values(70)

  private func decodeFloats(_ stream: [UInt8]) -> [Float] {
    guard stream.count >= 128 else { return [] }
    return stream.dropFirst(128).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
  }

  @Test func pipelineKeepsShapes() throws {
    let latents = try run("vae-encode", [modelOf36Values], input: .pipe(images))
    #expect(latents.status == 0, "\(latents.messages)")
    #expect(latents.output.count == 128 + 70 * 3 * 4)
    #expect(
      String(decoding: latents.output.prefix(128), as: UTF8.self).contains("'shape': (70, 3)"))
    let decoded = try run("vae-decode", [modelOf36Values], input: .pipe(latents.output))
    #expect(
      String(decoding: decoded.output.prefix(128), as: UTF8.self).contains("'shape': (70, 6, 6)"))
    #expect(decodeFloats(decoded.output).allSatisfy { 0...1 ~= $0 })
  }

  @Test func sameSeedSameBytesForAnyThreads() throws {
    var models: [[UInt8]] = []
    for threads in ["1", "2", "4"] {
      let result = try run(
        "vae-fit", ["--epochs", "2", "--hidden", "16", "--threads", threads, "-q"],
        input: .pipe(images))
      #expect(result.status == 0)
      models.append(result.output)
    }
    #expect(models[0] == models[1] && models[0] == models[2] && !models[0].isEmpty)
  }

  @Test func drawsRepeat() throws {
    func draw(_ seed: String) throws -> [UInt8] {
      try run(
        "vae-encode", [modelOf36Values, "--sample", "--seed", seed], input: .pipe(images)
      ).output
    }
    #expect(try draw("1") == draw("1"))
    #expect(try draw("1") != draw("2"))
  }

  @Test func targetsMustLieInTheUnitInterval() throws {
    var values = [Float](repeating: 0.5, count: 72)
    values[40] = 1.5
    let bad = npy("<f4", "(2, 36)", f4(values))
    let result = try run("vae-fit", ["-q"], input: .pipe(bad))
    #expect(result.status == 65 && result.output.isEmpty)
    #expect(result.messages.contains("row 1") && result.messages.contains("--likelihood gaussian"))
    let gaussian = ["--likelihood", "gaussian", "--epochs", "1", "-q"]
    #expect(try run("vae-fit", gaussian, input: .pipe(bad)).status == 0)
  }

  /// Of bytes losses are given in bits a dimension, too; what is drawn are levels again.
  @Test func bytesHaveALogisticLikelihood() throws {
    let folder = try TemporaryFolder()
    let (model, log) = (folder.path + "/m.vae", folder.path + "/log.jsonl")
    let bytes = npy("|u1", "(70, 36)", (0..<70 * 36).map { UInt8($0 * 7 % 256) })
    let options = ["--likelihood", "logistic", "--hidden", "16", "--latent", "3"]
    let result = try run(
      "vae-fit", options + ["--epochs", "2", "--valid", "0.2", "--log", log, "-o", model],
      input: .pipe(bytes))
    #expect(result.status == 0, "\(result.messages)")
    #expect(result.messages.split(separator: " ").count { $0 == "bits/dim" } == 4)
    for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
      let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
      let record = try #require(object as? [String: Any])
      for prefix in ["", "valid_"] {
        let loss = try #require(record["\(prefix)loss"] as? Double)
        let bits = try #require(record["\(prefix)bits_per_dimension"] as? Double)
        #expect(abs(bits - loss / (36 * log2nats)) < 1e-12 * bits)
      }
    }
    let summary = try run("vae-score", [model, "--summary"], input: .pipe(bytes))
    #expect(String(decoding: summary.output, as: UTF8.self).contains(" bits a dimension, 70 rows"))

    let latents = try run("vae-encode", [model], input: .pipe(bytes)).output
    let draws = try run("vae-decode", [model, "--sample"], input: .pipe(latents)).output
    #expect(decodeFloats(draws).allSatisfy { $0 == ($0 * 255).rounded() / 255 })
    #expect(try run("vae-score", [model], input: .pipe(draws)).status == 0)
    let means = try run("vae-decode", [model], input: .pipe(latents)).output
    for arguments in [["vae-score", model], ["vae-fit"] + options] {
      let refused = try run(arguments[0], Array(arguments.dropFirst()), input: .pipe(means))
      #expect(refused.status == 65 && refused.messages.contains("row 0"))
      #expect(refused.messages.contains("1/255") && refused.messages.contains("bytes"))
    }
  }

  private let log2nats = 0.6931471805599453

  @Test func failuresLeaveNothingUnderTheFinalName() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/m.vae"
    let result = try run(
      "vae-fit", ["-o", path, "-q"], input: .pipe(Array(images.dropLast())))
    #expect(result.status == 65)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    let nowhere = try run(
      "vae-fit", ["-o", folder.path + "/no/m.vae", "-q"], input: .pipe(images))
    #expect(nowhere.status == 73)
  }

  @Test func divergenceExits65() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/m.vae"
    let result = try run(
      "vae-fit", ["--optimizer", "sgd", "--lr", "1e30", "-o", path], input: .pipe(images))
    #expect(result.status == 65)
    #expect(result.messages.contains("epoch ") && result.messages.contains("not finite"))
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func rowsMustFitTheModel() throws {
    let other = npy("<f4", "(2, 35)", f4([Float](repeating: 0, count: 70)))
    for tool in ["vae-encode", "vae-score"] {
      let result = try run(tool, [modelOf36Values], input: .pipe(other))
      #expect(result.status == 65)
      #expect(result.messages.contains("36") && result.messages.contains("35"))
    }
    #expect(try run("vae-encode", ["/no/such.vae"], input: .pipe(images)).status == 66)
    let notAModel = try run("vae-encode", ["-", "x"], input: .pipe(images))
    #expect(notAModel.status != 0)
  }

  @Test(arguments: [
    ["--hidden", "0"], ["--hidden", "a"], ["--latent", "0"], ["--epochs", "0"], ["--batch", "0"],
    ["--lr", "0"], ["--lr", "nan"], ["--beta", "-1"], ["--valid", "1.5"], ["--patience", "2"],
    ["--schedule", "step:0,1"], ["--every", "0"], ["--max-time", "5"], ["--threads", "0"],
    ["--free-bits", "1", "--kl", "sampled"], ["--init-matching"], ["--nesterov"],
    ["--sigma", "0"], ["--dropout", "1"], ["--init", "a", "--resume", "b"], ["--precision", "f64"],
  ])
  func badOptionsAreUsageErrors(_ arguments: [String]) throws {
    let result = try run("vae-fit", arguments, input: .pipe(images))
    #expect(result.status == 64, "\(arguments): \(result.messages)")
  }

  @Test func logIsJSONLines() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/log.jsonl"
    let result = try run(
      "vae-fit", ["--epochs", "3", "--valid", "0.2", "--log", path, "-q"], input: .pipe(images))
    #expect(result.status == 0)
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    let records = try lines.map {
      try #require(
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(records.map { $0["event"] as? String } == ["epoch", "epoch", "epoch", "end"])
    for key in ["loss", "reconstruction", "kl", "valid_loss", "kl_by_dimension", "active_units"] {
      #expect(records[2][key] != nil, "\(key)")
    }
  }

  @Test func resumedRunsGiveTheSameFile() throws {
    let folder = try TemporaryFolder()
    let (whole, cut) = (folder.path + "/a.vae", folder.path + "/b.vae")
    let checkpoint = folder.path + "/run.ckpt"
    let fit = ["--epochs", "4", "--hidden", "16", "-q"]
    #expect(try run("vae-fit", fit + ["-o", whole], input: .pipe(images)).status == 0)
    _ = try run(
      "vae-fit", fit + ["--checkpoint", checkpoint, "--max-time", "0.0001s", "-o", cut],
      input: .pipe(images))
    let resumed = try run(
      "vae-fit", fit + ["--resume", checkpoint, "-o", cut], input: .pipe(images))
    #expect(resumed.status == 0, "\(resumed.messages)")
    #expect(FileManager.default.contentsEqual(atPath: whole, andPath: cut))
    let other = try run(
      "vae-fit", fit + ["--lr", "0.5", "--resume", checkpoint], input: .pipe(images))
    #expect(other.status == 65 && other.messages.contains("cannot resume"))
    let model = try run("vae-fit", fit + ["--resume", whole], input: .pipe(images))
    #expect(model.status == 65 && model.messages.contains("--init"))
  }

  @Test func scoresAddUp() throws {
    func score(_ arguments: [String]) throws -> [Float] {
      decodeFloats(
        try run("vae-score", [modelOf36Values] + arguments, input: .pipe(images)).output)
    }
    let (elbo, recon, kl) = (
      try score(["--at-mean"]), try score(["--term", "recon", "--at-mean"]),
      try score(["--term", "kl"])
    )
    #expect(elbo.count == 70)
    for i in elbo.indices { #expect(abs(elbo[i] - recon[i] - kl[i]) < 1e-3) }
    let nll = try score(["--term", "nll", "--particles", "500"])
    let drawn = try score(["--particles", "500"])
    // The importance-weighted bound is tighter, row by row, but for the noise of 500 draws.
    #expect(zip(nll, drawn).allSatisfy { $0 < $1 + 0.1 })
    let flags = try run(
      "vae-score", [modelOf36Values, "--flags", "--threshold", "-1e9"], input: .pipe(images))
    #expect(flags.output.suffix(70).allSatisfy { $0 == 1 })
  }

  @Test func infoNamesWhatTheFileHolds() throws {
    let text = try run("vae-info", [modelOf36Values])
    #expect(text.status == 0)
    let words = String(decoding: text.output, as: UTF8.self)
    #expect(words.contains("encoder.0.weight") && words.contains("config.latent"))
    let json = try run("vae-info", ["--json", modelOf36Values])
    let object = try JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any]
    #expect(object?["kind"] as? String == "vae")
  }
  @Test func infoOfManyFilesIsTextOrALineOfJSONEach() throws {
    let one = try run("vae-info", [modelOf36Values]).output
    let two = try run("vae-info", [modelOf36Values, "-"], input: .file(modelOf36Values))
    let text = String(decoding: two.output, as: UTF8.self)
    #expect(text.hasPrefix(String(decoding: one, as: UTF8.self) + "\nfile "))
    let json = try run("vae-info", ["--json", modelOf36Values, modelOf36Values])
    let lines = json.output.split(separator: 10)
    #expect(lines.count == 2 && lines[0] == lines[1])
  }

  @Test func infoMakesATableForOtherPrograms() throws {
    let folder = try TemporaryFolder()
    for (latent, name) in [("2", "a\tb.vae"), ("5", "b.vae")] {
      let fitted = try run(
        "vae-fit",
        [
          "--hidden", "8,4", "--latent", latent, "--beta", "0.5", "--epochs", "2", "--valid",
          "0.2", "--quiet", "-o", "\(folder.path)/\(name)",
        ], input: .pipe(images))
      #expect(fitted.status == 0, "\(fitted.messages)")
    }
    let result = try shell(
      "vae-info --table a*.vae b.vae && randn 2 3 | sparse-code -qk 2 -o d >/dev/null && "
        + "vae-info --table --columns latent,kind,parameters,kl d", in: folder.path)
    #expect(result.status == 0 && result.messages.contains("no file has 'kl'"))
    let rows = String(decoding: result.output, as: UTF8.self).split(separator: "\n")
      .map { $0.split(separator: "\t").map(String.init) }
    try #require(rows.count == 5)
    #expect(rows[..<3].allSatisfy { $0.count == 13 })
    #expect(rows[0][0] == "file" && rows[0][10] == "valid_loss")
    #expect(rows[1][..<7] == ["a?b.vae", "8,4", "2", "bernoulli", "0.5", "0", "2"])
    #expect(rows[2][..<7] == ["b.vae", "8,4", "5", "bernoulli", "0.5", "0", "2"])
    // Six digits each: the parts give the whole but for their rounding.
    let losses = rows[1][10...].compactMap(Double.init)
    #expect(losses.count == 3 && abs(losses[0] - losses[1] - 0.5 * losses[2]) < 1e-3)
    #expect(
      rows[1][10...].allSatisfy { $0.drop { "0.".contains($0) }.filter(\.isNumber).count <= 6 })
    #expect(rows[3] == ["latent", "kind", "parameters", "kl"])
    #expect(rows[4] == ["-", "dictionary", "6", "-"])
  }

  @Test func infoPrintsWhatPresetsStandFor() throws {
    let presets = try run("vae-info", ["--presets"], input: .closed)
    let lines = String(decoding: presets.output, as: UTF8.self).split(separator: "\n")
    #expect(presets.status == 0 && lines.count == 3)
    let rows = npy("<f4", "(3, 8, 8)", f4((0..<192).map { Float($0 % 7) / 7 }))
    for line in lines {
      let words = line.split(separator: " ").map(String.init)
      func fit(_ options: [String]) throws -> [UInt8] {
        let fitted = try run("vae-fit", options + ["-q", "--epochs", "1"], input: .pipe(rows))
        #expect(fitted.status == 0, "\(line): \(fitted.messages)")
        return fitted.output
      }
      #expect(try fit(Array(words.dropFirst())) == fit(["--preset", words[0]]), "\(line)")
    }
  }

  @Test(arguments: [
    ["--json", "--table"], ["--columns", "file"], ["--presets", "m.vae"], ["-", "-"],
    ["--presets", "--json"],
  ])
  func infoRefusesWhatHasNoEffect(_ arguments: [String]) throws {
    #expect(try run("vae-info", arguments).status == 64)
  }
}
