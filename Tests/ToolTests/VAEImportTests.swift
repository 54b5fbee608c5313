import Foundation
import Testing

@Suite struct VAEImportTests {
  private let map = [
    "--map",
    "fc1=encoder.0,fc21=encoder.mean,fc22=encoder.logvar,fc3=decoder.0,fc4=decoder.output",
  ]

  private func path(_ file: String) -> String {
    goldens.appendingPathComponent("import/\(file)").path
  }

  /// Sums of a dozen products, in another order than PyTorch's: 1e-5 is ample.
  private func expectEqual(_ stream: [UInt8], _ golden: String) throws {
    let result = try run(
      "tensor-cmp", ["--atol", "1e-6", "--rtol", "1e-5", "-", path(golden)], input: .pipe(stream))
    #expect(result.status == 0, "\(golden): \(String(decoding: result.output, as: UTF8.self))")
  }

  @Test(arguments: ["vae.pt", "vae.safetensors"])
  func importedModelsComputeWhatPyTorchDoes(_ file: String) throws {
    let folder = try TemporaryFolder()
    let model = folder.path + "/m.vae"
    let imported = try run("vae-import", map + [path(file), "-o", model])
    #expect(imported.status == 0 && imported.output.isEmpty && imported.messages == "")
    try expectEqual(try run("vae-encode", [model, path("x.npy")]).output, "vae-means.npy")
    try expectEqual(try run("vae-decode", [model, path("z.npy")]).output, "vae-images.npy")
    // The same by pipes.
    let bytes = try golden("import/\(file)")
    let piped = try run("vae-import", map, input: .pipe(bytes))
    #expect(piped.output == [UInt8](try Data(contentsOf: URL(fileURLWithPath: model))))
  }

  @Test func checkpointsAndNormalisedLayersAreRead() throws {
    let folder = try TemporaryFolder()
    let model = folder.path + "/m.vae"
    let imported = try run(
      "vae-import",
      [
        "--map", "net.encoder=encoder,net.decoder=decoder,optimizer=", "--activation", "tanh",
        "--likelihood", "gaussian", "--shape", "3x4", path("normed.pt"), "-o", model,
      ])
    #expect(imported.status == 0, "\(imported.messages)")
    try expectEqual(try run("vae-encode", [model, path("x.npy")]).output, "normed-means.npy")
    let images = try run("vae-decode", [model, path("z.npy")]).output
    #expect(images.starts(with: npy("<f4", "(5, 3, 4)")))
    try expectEqual(
      npy("<f4", "(5, 12)") + images.dropFirst(128), "normed-images.npy")
    let info = try run("vae-info", [model])
    #expect(String(decoding: info.output, as: UTF8.self).contains("batch_norm"))
  }

  @Test func whatDoesNotFitIsNamed() throws {
    for (arguments, words) in [
      ([], "no tensor is encoder.mean.weight, of two dimensions; --map says which is, among 'fc1."),
      (
        ["--map", "fc1=encoder.0,fc21=encoder.mean,fc3=decoder.0,fc4=decoder.output"],
        "'fc22.bias' has no place in the model; --map fc22.bias= leaves"
      ),
      (["--map", "fc9=encoder.0"], "--map names 'fc9', which is not among 'fc1.bias', "),
      (["--map", "fc1=encoder.0,fc3=encoder.0,fc21=encoder.mean"], "are both encoder.0.bias"),
      (map + ["--shape", "5x5"], "the first layer reads 12 values, not rows of (5, 5)"),
    ] {
      let result = try run("vae-import", arguments + [path("vae.pt")])
      #expect(result.status == 65 && result.output.isEmpty && result.lines.count == 1)
      #expect(result.messages.contains(words), "\(result.messages)")
    }
    let missing = try run(
      "vae-import", ["--map", "fc1=encoder.0,fc21=encoder.mean,fc22=,fc3=,fc4=", path("vae.pt")])
    #expect(missing.messages.contains("no tensor is decoder.0.weight; --map says which is"))
    let turned = map[1].replacingOccurrences(
      of: "fc3=decoder.0,fc4=decoder.output", with: "fc3=decoder.output,fc4=decoder.0")
    let swapped = try run("vae-import", ["--map", turned, path("vae.pt")])
    #expect(swapped.messages.contains("'fc4.weight': expected shape [6, 3], got [12, 6]"))
  }

  /// Files that would run something, grow without end, or are damaged; see make_import.py.
  @Test(arguments: [
    ("calls", "'posix.system'"), ("calls-late", "'posix.system'"), ("eval", "'__builtin__.eval'"),
    ("module", "'__main__.VAE'"), ("bomb", "is compressed"), ("many", "larger than the file"),
    ("itself", "without end"), ("tree", "without end"), ("short", "expected 288 bytes"),
    ("shape", "expected 3000 values, got a storage of 72"), ("cut", "the pickle ends early"),
    ("checksum", "the checksum is wrong"), ("truncated", "no directory at its end"),
    ("big", "big-endian"), ("other", "no data.pkl"), ("legacy", "before 1.6"),
    ("strides", "a storage of 1"), ("empty", "expected a safetensors file"),
  ])
  func hostileFilesAreRefused(_ file: String, _ words: String) throws {
    let result = try run("vae-import", map + [path("bad/\(file).pt")])
    #expect(result.status == 65 && result.output.isEmpty)
    #expect(result.lines.count == 1 && result.peakMemory < 64 << 20)
    #expect(result.messages.hasPrefix("vae-import: \(path("bad/\(file).pt")): "))
    #expect(result.messages.contains(words), "\(result.messages)")
    #expect(!FileManager.default.fileExists(atPath: "/tmp/vae-tools-import-ran"))
  }

  @Test func otherNumbersThanFloatsAreRefused() throws {
    let result = try run(
      "vae-import", ["--map", "encoder.mean.weight=encoder.mean.weight", path("bad/half.pt")])
    #expect(result.status == 65)
    #expect(result.messages.contains("expected F32, got HalfStorage; convert with tensor.float()"))
  }

  @Test func badUsage() throws {
    for arguments in [
      ["--map", "fc1"], ["--map", "=encoder.0"], ["--map", "a=b,a=c"], ["--shape", "0"],
      ["--likelihood", "x"], ["--sigma", "learned"], ["a", "b"],
    ] {
      #expect(
        try run("vae-import", arguments + [path("vae.pt")].prefix(arguments[0] == "a" ? 0 : 1))
          .status == 64)
    }
    #expect(try run("vae-import", ["nowhere.pt"]).status == 66)
    #expect(try run("vae-import", map + [path("vae.pt"), "-o", "/nowhere/m.vae"]).status == 73)
    #expect(try run("vae-import", map + [path("vae.pt")], output: .terminal).status == 64)
  }
}
