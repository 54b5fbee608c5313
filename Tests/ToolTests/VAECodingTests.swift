import Foundation
import Testing
import VAECore

/// A golden of Tests/Goldens/models.
private func model(_ name: String) -> String {
  goldens.appendingPathComponent("models/\(name)").path
}

/// The values of a stream, and its row shape.
private func rows(_ bytes: [UInt8]) throws -> (shape: [Int], values: [Float]) {
  let store = try RowStore(TensorReader(ByteSource(bytes: bytes, name: "the output")))
  let floats = UnsafeBufferPointer(start: store.floats, count: store.rows * store.rowSize)
  return ([store.rows] + store.rowShape, Array(floats))
}

/// vae-encode and vae-decode, with models as PyTorch writes them.
@Suite struct VAECodingTests {
  /// The roundings of some hundred sums of at most 40 numbers of order 1.
  private func expectClose(
    _ output: [UInt8], _ name: String, within tolerance: Float = 2e-5,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (got, expected) = (try rows(output), try rows(golden("models/\(name)")))
    #expect(got.shape == expected.shape, sourceLocation: sourceLocation)
    let worst = zip(got.values, expected.values).map { abs($0 - $1) / max(1, abs($1)) }.max() ?? 0
    #expect(worst < tolerance, "\(name)", sourceLocation: sourceLocation)
    // What np.save writes for that shape, to the last byte of the header.
    let header = try golden("models/\(name)").count - expected.values.count * 4
    #expect(
      try Array(output.prefix(header)) == Array(golden("models/\(name)").prefix(header)),
      sourceLocation: sourceLocation)
  }

  @Test(arguments: ["square", "normed"])
  func outputsArePyTorchs(_ name: String) throws {
    let vae = model("\(name).vae")
    let (x, z) = (model("\(name)-rows.npy"), model("\(name)-means.npy"))
    try expectClose(run("vae-encode", [vae], input: .file(x)).output, "\(name)-means.npy")
    try expectClose(run("vae-encode", [vae, "--logvar", x]).output, "\(name)-logvars.npy")
    try expectClose(run("vae-decode", [vae], input: .file(z)).output, "\(name)-images.npy")
    // bf16 keeps 8 bits of each factor; its errors average out.
    let short = ["--precision", "bf16"]
    try expectClose(run("vae-encode", [vae, x] + short).output, "\(name)-means.npy", within: 0.1)
    try expectClose(run("vae-decode", [vae, z] + short).output, "\(name)-images.npy", within: 0.1)
  }

  @Test(arguments: [("vae-encode", "rows"), ("vae-decode", "means")])
  func operandsAreAlike(_ tool: String, _ input: String) throws {
    let (vae, path) = (model("square.vae"), model("square-\(input).npy"))
    let expected = try run(tool, [vae], input: .file(path)).output
    #expect(try run(tool, [vae, path], input: .closed).output == expected)
    #expect(try run(tool, [vae, "-"], input: .file(path)).output == expected)
    #expect(try run(tool, ["--", vae, path], input: .closed).output == expected)
    #expect(try run(tool, ["-", path], input: .file(vae)).output == expected)
    for arguments in [["-"], ["-", "-"]] {
      #expect(try run(tool, arguments, input: .file(path)).status == 64)
    }
    for threads in 1...4 {
      #expect(try run(tool, [vae, path, "--threads", "\(threads)"]).output == expected)
    }
  }

  /// 0, 1 and many rows; in one array, in two, as bytes, as an IDX file, in any shape.
  @Test func streamsOfAnyShapeFit() throws {
    let vae = model("square.vae")
    let bytes = (0..<36 * 300).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) }
    let floats = f4(bytes.map { Float($0) / 255 })
    let expected = try run("vae-encode", [vae], input: .pipe(npy("<f4", "(300, 36)", floats)))
    #expect(expected.status == 0)
    for stream in [
      npy("<f4", "(300, 6, 6)", floats), npy("<f4", "(300, 1, 6, 6)", floats),
      npy("|u1", "(300, 6, 6)", bytes),
      [0, 0, 8, 3, 0, 0, 1, 44, 0, 0, 0, 6, 0, 0, 0, 6] + bytes,
    ] {
      #expect(try run("vae-encode", [vae], input: .pipe(stream)).output == expected.output)
    }
    let parts =
      npy("<f4", "(1, 36)", Array(floats[..<144])) + npy("<f4", "(299, 36)", Array(floats[144...]))
    let parted = try run("vae-encode", [vae], input: .pipe(parts))
    #expect(try rows(parted.output).values == rows(expected.output).values)
    let none = try run("vae-encode", [vae], input: .pipe(npy("<f4", "(0, 36)")))
    #expect(none.output == npy("<f4", "(0, 36)"))
  }

  @Test(arguments: [("vae-encode", "rows", "normed"), ("vae-decode", "means", "square")])
  func samplesRepeatBySeed(_ tool: String, _ input: String, _ name: String) throws {
    let arguments = [model("\(name).vae"), model("\(name)-\(input).npy"), "--sample"]
    let first = try run(tool, arguments)
    #expect(first.status == 0)
    #expect(try run(tool, arguments + ["--threads", "3"]).output == first.output)
    #expect(try run(tool, arguments + ["--seed", "0"]).output == first.output)
    #expect(try run(tool, arguments + ["--seed", "1"]).output != first.output)
    #expect(try run(tool, Array(arguments.prefix(2))).output != first.output)
  }

  @Test func drawsFromABernoulliAreBits() throws {
    let drawn = try run(
      "vae-decode", [model("square.vae"), model("square-means.npy"), "--sample"])
    #expect(Set(try rows(drawn.output).values) == [0, 1])
  }

  @Test func plainAutoencodersHaveNoVariance() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/plain.vae"
    let fitted = try run(
      "vae-fit", ["--model", "ae", "--hidden", "4", "--latent", "2", "--epochs", "1", "-o", path],
      input: .file(model("square-rows.npy")))
    #expect(fitted.status == 0)
    #expect(try run("vae-encode", [path], input: .file(model("square-rows.npy"))).status == 0)
    for option in ["--sample", "--logvar"] {
      let result = try run("vae-encode", [path, option], input: .file(model("square-rows.npy")))
      #expect(result.status == 65)
      #expect(result.output.isEmpty)
      #expect(result.lines.count == 1)
    }
  }

  // MARK: Refused

  @Test func latentsMustFitTheModel() throws {
    let result = try run(
      "vae-decode", [model("square.vae")],
      input: .pipe(npy("<f4", "(2, 5, 7)", f4(.init(repeating: 0, count: 70)))))
    #expect(result.status == 65)
    #expect(result.output.isEmpty)
    #expect(
      result.messages == "vae-decode: standard input: row 0: expected 36 values, got 35\n")
  }

  @Test(arguments: ["vae-encode", "vae-decode"])
  func brokenModelsAreRefused(_ tool: String) throws {
    let folder = try TemporaryFolder()
    let sound = try golden("models/square.vae")
    let input = Stream.file(model("square-rows.npy"))
    func expectRefusal(_ bytes: [UInt8], _ what: String) throws {
      let path = try folder.write(bytes, to: "m.vae")
      let result = try run(tool, [path], input: input)
      #expect(result.status == 65, "\(what)")
      #expect(result.output.isEmpty, "\(what)")
      #expect(result.lines.count == 1, "\(what): \(result.messages)")
      #expect(result.peakMemory < 64 << 20, "\(what)")
    }
    for count in [0, 1, 7, 8, 9, 100] + stride(from: 150, to: sound.count, by: 331) {
      try expectRefusal(Array(sound.prefix(count)), "cut at \(count)")
    }
    for index in 0..<9 {
      var bytes = sound
      bytes[index] ^= 0xff
      try expectRefusal(bytes, "byte \(index) flipped")
    }
    var notFinite = sound
    notFinite.replaceSubrange(sound.count - 4..<sound.count, with: f4([.nan]))
    try expectRefusal(notFinite, "NaN weight")
    try expectRefusal(try golden("models/square-rows.npy"), "a tensor stream")
    let text = String(decoding: sound, as: Unicode.ASCII.self)
    // The same length, so that the file stays a sound safetensors file.
    for (from, to) in [("\\\"hidden\\\": [8]", "\\\"hidden\\\": [9]"), ("\"vae\"", "\"vea\"")] {
      let at = try #require(text.range(of: from))
      let start = text.distance(from: text.startIndex, to: at.lowerBound)
      var bytes = sound
      bytes.replaceSubrange(start..<start + from.utf8.count, with: Array(to.utf8))
      try expectRefusal(bytes, to)
    }
    #expect(try run(tool, ["/nowhere/m.vae"], input: input).status == 66)
  }

  @Test(arguments: ["vae-encode", "vae-decode"])
  func badUsage(_ tool: String) throws {
    for arguments in [[], ["a", "b", "c"], ["m", "--seed", "x"], ["m", "--threads", "0"]] {
      let result = try run(tool, arguments)
      #expect(result.status == 64)
      #expect(result.output.isEmpty)
      #expect(result.messages.hasPrefix("\(tool): "))
    }
    #expect(try run("vae-encode", ["m", "--sample", "--logvar"]).status == 64)
    #expect(try run(tool, [model("square.vae"), "/nowhere/x.npy"]).status == 66)
  }

  // MARK: More than can wait

  @Test func memoryDoesNotGrowWithTheRows() throws {
    let rows = 200_000
    let data = [UInt8](repeating: 0, count: rows * 36 * 4)
    let result = try run(
      "vae-decode", [model("square.vae")], input: .pipe(npy("<f4", "(\(rows), 36)") + data))
    #expect(result.status == 0)
    #expect(result.output.count == 128 + data.count)
    #expect(result.peakMemory < 64 << 20)
    for ignoring in [false, true] {
      let head = try run(
        "vae-decode", [model("square.vae")], input: .pipe(npy("<f4", "(\(rows), 36)") + data),
        output: .head(1), ignoringBrokenPipes: ignoring)
      #expect(head.status == 141)
      #expect(head.messages == "")
    }
  }
}
