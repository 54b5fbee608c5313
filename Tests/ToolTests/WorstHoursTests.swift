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

/// What once gave wrong results, lost data or ended in a trap.
@Suite struct WorstHoursTests {
  private let folder: TemporaryFolder
  /// 12 rows of 36 values from 0 to 1.
  private let rows = npy("<f4", "(12, 36)", f4((0..<432).map { Float($0 * 7 % 11) / 10 }))
  private let huge = npy("<f4", "(3, 2)", f4([3e38, -3e38, -3e38, 3e38, 3e38, 3e38]))

  init() throws {
    folder = try TemporaryFolder()
    _ = try folder.write(rows, to: "rows.npy")
    _ = try folder.write(huge, to: "huge.npy")
  }

  private func expect(
    _ status: Int32, _ words: String, _ script: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try shell(script, in: folder.path)
    #expect(result.status == status, "\(result.messages)", sourceLocation: sourceLocation)
    #expect(
      words.isEmpty || result.messages.contains(words), "\(result.messages)",
      sourceLocation: sourceLocation)
  }

  // Line 1
  @Test func headersHaveAllAxes() throws {
    let ones = [String](repeating: "1", count: 63)
    let stream = try run("randn", ["2"] + ones).output
    let header = String(decoding: stream.prefix(400), as: UTF8.self)
    #expect(header.contains("(2, " + ones.joined(separator: ", ") + ")"))
    #expect(try run("tensor-info", [], input: .pipe(stream)).status == 0)
    let more = try run("randn", ["2"] + ones + ["1"])
    #expect(more.status == 64)
    #expect(more.output.isEmpty)
    let shape = "(" + String(repeating: "1, ", count: 65) + ")"
    #expect(try run("tensor-info", [], input: .pipe(npy("|u1", shape, [0]))).status == 65)
  }

  // Line 3
  @Test func aLogDestroysNothing() throws {
    _ = try folder.write(Array("old\n".utf8), to: "old.log")
    let fit = "vae-fit --epochs 1 --hidden 4 --latent 2 --quiet"
    try expect(64, "the same file", "\(fit) rows.npy --log rows.npy -o m.vae")
    try expect(64, "the same file", "\(fit) rows.npy --log ./m.vae -o m.vae")
    try expect(64, "the same file", "\(fit) rows.npy --log m.ckpt --checkpoint m.ckpt -o m.vae")
    try expect(64, "the same file", "ln rows.npy link; \(fit) rows.npy --checkpoint link -o m.vae")
    try expect(66, "no such file", "\(fit) nosuch.npy --log old.log -o m.vae")
    try expect(65, "expected", "\(fit) old.log --log m.log -o m.vae")
    try expect(64, "the same file", "sparse-code -k 2 --log rows.npy rows.npy")
    try expect(66, "no such file", "sparse-code -k 2 --log old.log nosuch.npy")
    try expect(64, "the same file", "pca -o rows.npy rows.npy")
    try expect(0, "", "cmp rows.npy link && test \"$(cat old.log)\" = old && ! test -e m.log")
    let piped = try shell("\(fit) rows.npy -o m.vae --log - && ! test -e -", in: folder.path)
    #expect(piped.status == 0)
    #expect(piped.output.starts(with: Array("{\"active_units\":".utf8)))
    try expect(64, "standard output is taken", "\(fit) rows.npy --log -")
  }

  // Line 4
  @Test func nothingIsDroppedBehindANul() throws {
    for field in [[UInt8](arrayLiteral: 0x31, 0, 0x32), [0x31, 0], [0x31, 0x0b]] {
      let result = try run("tensor-csv", ["--read"], input: .pipe(field + [0x2c, 0x33, 0x0a]))
      #expect(result.status == 65)
      #expect(result.output.isEmpty)
    }
  }

  // Line 5
  @Test func namesThatAreNotUTF8AreKept() throws {
    try expect(
      0, "",
      """
      set -e; one=$(printf 'one\\377'); two=$(printf 'two\\364\\217\\276\\200'); cp rows.npy "$one"
      vae-fit --quiet --epochs 1 --hidden 4 --latent 2 -o "$two" "$one"
      test -e "$two"; vae-encode "$two" "$one" > z.npy; test "$(ls | wc -l)" = 5
      """)
    let missing = try run(
      "/bin/sh", ["-c", "tensor-info \"$(printf 'no\\377')\""],
      environment: [
        "PATH": "\(products.path):/bin"
      ])
    #expect(missing.messages.hasPrefix("tensor-info: no"))
  }

  // Line 9
  @Test(arguments: [
    "lerp --spherical --steps 2", "pca -k 1", "tsne --perplexity 1 --iterations 5",
  ])
  func overflowIsReported(_ tool: String) throws {
    try expect(65, "past the range of f4", "\(tool) huge.npy > out.npy")
  }

  private func pairs() throws -> String {
    _ = try folder.write(
      npy("<f4", "(8, 2)", f4((0..<16).map { Float($0) / 16 })), to: "pairs.npy")
    return "pairs.npy"
  }

  @Test func decodedCodesMayOverflow() throws {
    _ = try folder.write(npy("<f4", "(1, 2)", f4([3e38, 3e38])), to: "codes.npy")
    try expect(
      65, "past the range of f4",
      """
      sparse-code --quiet -k 2 -o d.dict --lambda 0 \(try pairs()) > /dev/null
      sparse-decode d.dict codes.npy > out.npy
      """)
  }

  // Line 10
  @Test(arguments: [
    "--range=-1e300,1e300", "--range=0,1e39", "--normalize", "--normalize --each",
    "--pad-value 1e300",
  ])
  func gridsOfHugeNumbers(_ options: String) throws {
    try expect(0, "", "png-grid --shape 1x2 \(options) huge.npy > grid.png")
  }

  @Test func shapesBeyondCountingAreRefused() throws {
    let shape = "99999999999x99999999999"
    try expect(64, "--shape", "echo 1 | tensor-csv --read --shape \(shape)")
    try expect(64, "--shape", "png-grid --shape \(shape) rows.npy")
    try expect(65, "addressed", "tensor-csv --read --shape 9999999999x9999999 < /dev/null")
  }

  /// A file without contents that says it has 2³² + 1 rows.
  @Test(arguments: ["vae-fit -o m.vae --quiet", "tsne", "sparse-code -k 2"])
  func moreRowsThanThereAreNumbers(_ tool: String) throws {
    let head = npy("|u1", "(4294967297, 1)")
    let path = try folder.write(head, to: "many.npy")
    try #require(truncate(path, head.count + 4_294_967_297) == 0)
    try expect(65, "at most 4294967295 rows", "\(tool) many.npy")
  }

  // Line 11
  @Test func signalsEndAWriteThatStalls() throws {
    // The model is larger than a pipe, and nobody reads it.
    let result = try shell(
      """
      mkfifo stalled; sleep 30 3< stalled > /dev/null 2>&1 & sleeper=$!
      vae-fit --quiet --epochs 1 --hidden 9000 --latent 2 -o stalled rows.npy & fit=$!
      sleep 2; kill -TERM $fit; wait $fit; status=$?; kill $sleeper; exit $status
      """, in: folder.path)
    #expect(result.status == 143)
  }

  // Line 12
  @Test func outputsAreTestedFirst() throws {
    let fit = "vae-fit rows.npy --epochs 1000000 --quiet -o"
    try expect(73, "cannot create", "\(fit) nosuch/")
    try expect(73, "cannot create", "\(fit) nosuch/m.vae")
    try expect(73, "cannot create", "\(fit) /proc/m.vae")
    try expect(73, "cannot create", "\(fit) .")
    if geteuid() == 0 {
      try expect(
        73, "cannot create",
        "chmod 755 . && touch m.vae && chattr +i m.vae 2>/dev/null "
          + "|| { echo cannot create >&2; exit 73; }; timeout 20 \(fit) m.vae; s=$?; "
          + "chattr -i m.vae; exit $s")
    }
  }

  @Test func killedRunsLeaveNothing() throws {
    try expect(
      0, "",
      """
      vae-fit rows.npy --epochs 1000000 --quiet -o m.vae & fit=$!
      sleep 1; kill -9 $fit; wait $fit; test "$(ls -A)" = "$(printf 'huge.npy\\nrows.npy')"
      """)
  }

  // Line 13
  @Test func aMappedFileThatIsCutIsAReadError() throws {
    let head = npy("<f4", "(4000000, 36)")
    let path = try folder.write(head, to: "cut.npy")
    try #require(truncate(path, head.count + 4_000_000 * 36 * 4) == 0)
    try expect(
      74, "cut.npy: read failed: the file was cut",
      "pca cut.npy > out.npy & tool=$!; sleep 0.3; truncate -s 4096 cut.npy; wait $tool")
  }

  /// With less and less memory, down to where oneDNN is not even loaded.
  @Test(
    .enabled(
      if: Precision.bf16.isAvailable
        && ProcessInfo.processInfo.environment["VAE_TOOLS_SANITIZER"] == nil))
  func littleMemoryIsAnError() throws {
    var statuses: Set<Int32> = []
    for kilobytes in stride(from: 140_000, through: 50_000, by: -2000) {
      let result = try shell(
        "ulimit -v \(kilobytes); vae-fit --quiet --precision bf16 --epochs 1 --hidden 8 --latent 2 "
          + "--threads 2 -o m.vae rows.npy", in: folder.path)
      statuses.insert(result.status)
      #expect([0, 69, 74].contains(result.status), "\(kilobytes): \(result.messages)")
    }
    #expect(statuses.contains(0) && statuses.contains(69))
  }

  #if os(Linux)
    /// Under PR_SET_MDWE of prctl(2), which not every kernel has.
    @Test func memoryThatIsNotExecutedIsNotOnThisMachine() throws {
      let forbid =
        "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); "
        + "os.execvp(sys.argv[1], sys.argv[1:])"
      for precision in ["f32", "auto"] {
        let result = try shell(
          "python3 -c '\(forbid)' vae-fit --quiet --precision \(precision) --epochs 1 --hidden 8 "
            + "--latent 2 -o m.vae rows.npy", in: folder.path)
        #expect([0, 69].contains(result.status))
        #expect(
          result.status == 0
            || result.messages.contains("a policy forbids memory that is executed"),
          "\(result.messages)")
      }
    }
  #endif

  /// On the processor that valgrind imitates, which has no AVX-512.
  @Test(
    .enabled(
      if: ["/usr/bin/valgrind", "/usr/bin/strip"].allSatisfy(
        FileManager.default.isExecutableFile(atPath:))))
  func precisionThatTheProcessorHasNotIsRefused() throws {
    try expect(
      64, "--precision bf16: this processor does not multiply bfloat16",
      "strip -o fit $(command -v vae-fit); "
        + "valgrind --tool=none -q ./fit --precision bf16 -o m.vae rows.npy")
  }

  // Line 15
  @Test(arguments: [
    "vae-fit --sigma 1", "vae-fit --optimizer sgd --adam-eps 1e-8",
    "vae-fit --optimizer sgd --adam-betas 0.9,0.99", "vae-fit --momentum 0.5",
    "vae-fit --optimizer rmsprop --nesterov --momentum 0.9",
    "vae-fit --model ae --objective iwae", "vae-fit --model ae --beta 2",
    "vae-fit --model ae --particles 2", "vae-fit --model ae --kl sampled",
    "vae-fit --model ae --free-bits 1", "vae-fit --model ae --warmup 1",
    "vae-fit --objective iwae --kl sampled", "vae-fit --every 2",
    "vae-fit --init x.vae --init-scheme glorot", "vae-encode m.vae --seed 1",
    "vae-decode m.vae --seed 1", "vae-score m.vae --sigmas 2", "vae-score m.vae --threshold 2",
    "vae-score m.vae --flags --sigmas 2 --threshold 2", "vae-score m.vae --at-mean --seed 1",
    "vae-score m.vae --at-mean --particles 2", "vae-score m.vae --term kl --particles 2",
    "png-grid --padding 0 --pad-value 1", "png-grid --each --range 0,1",
    "mnist-cat test --float --normalize 0,1", "sparse-code --solver omp --sparsity 1 --lambda 1",
    "sparse-code --solver omp --sparsity 1 --tol 1", "sparse-code -d d.dict -o e.dict",
    "probe-fit --labels y.npy --finetune m.vae --reinitialise --l2 1", "png-cat --crop",
    "tensor-csv --type u1",
  ])
  func optionsWithoutEffectAreRefused(_ command: String) throws {
    let words = command.split(separator: " ").map(String.init)
    let result = try run(words[0], Array(words.dropFirst()))
    #expect(result.status == 64, "\(result.messages)")
    #expect(result.messages.contains("--") || result.messages.contains("-o"))
    #expect(result.output.isEmpty)
  }

  // MARK: Models and rows

  private var small: String { "vae-fit --hidden 4 --latent 2 --batch 4 --quiet" }

  // Line 2
  @Test func aModelKnowsItsRange() throws {
    _ = try folder.write(
      npy("<f4", "(2, 36)", f4((0..<72).map { Float($0 % 256) })), to: "bytes.npy")
    _ = try folder.write(
      npy("<f4", "(3, 36)", f4([Float](repeating: 1e30, count: 108))), to: "far.npy")
    try expect(
      0, "",
      "\(small) --epochs 1 -o b.vae rows.npy; \(small) --epochs 1 --likelihood gaussian -o g.vae rows.npy"
    )
    try expect(65, "row 0: expected values in [0, 1]", "vae-encode b.vae bytes.npy")
    try expect(65, "row 0: expected values in [0, 1]", "vae-score b.vae bytes.npy")
    try expect(0, "2 rows, the first of them row 0, far outside 0", "vae-score g.vae bytes.npy > n")
    let flags = try shell("vae-score g.vae far.npy --flags", in: folder.path)
    #expect(flags.status == 0)
    #expect(flags.output.suffix(3) == [1, 1, 1])
    #expect(flags.lines.count == 1)
    let summary = try shell("vae-score g.vae far.npy --summary", in: folder.path)
    #expect(!String(decoding: summary.output, as: UTF8.self).contains("nan"))
    try expect(0, "", "vae-score g.vae rows.npy > n 2> said && ! test -s said")
  }

  // Line 7
  @Test func theModelSaysWhichEpochItIs() throws {
    let result = try shell(
      """
      vae-fit rows.npy --hidden 4 --latent 2 --batch 4 --epochs 60 --patience 3 --valid 0.3 \
        --lr 0.2 -o m.vae --log m.log; grep '"end"' m.log
      """, in: folder.path)
    #expect(result.status == 0)
    let end = try #require(
      JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any])
    let kept = try #require(end["epoch"] as? Int)
    #expect(end["outcome"] as? String == "out_of_patience")
    #expect(
      result.messages.contains(
        "m.vae holds the model after epoch \(kept) of \(kept + 3) epochs"))
    // The figures are those of that epoch.
    let line = result.lines.first { $0.contains("epoch \(kept)/60 ") }
    let loss = try #require(end["valid_loss"] as? Double)
    #expect(line?.contains("valid \(String(format: "%.2f", loss))") == true)
  }

  /// 30 steps an epoch, so that three epochs lie between two records.
  @Test func recordsOfStepsSpanEpochs() throws {
    try expect(
      0, "",
      """
      for i in 1 2 3 4 5 6 7 8 9 10; do cat rows.npy; done > more.npy
      \(small) --epochs 10 more.npy -o m.vae --log m.log; grep '"event":"steps"' m.log > steps
      grep '"event":"epoch"' m.log > epochs; test $(wc -l < steps) = 3
      """)
    func losses(_ name: String) throws -> [Double] {
      let text = try String(contentsOfFile: folder.path + "/" + name, encoding: .utf8)
      return try text.split(separator: "\n").map { line in
        let record = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any]
        return try #require(record?["loss"] as? Double)
      }
    }
    let (steps, epochs) = (try losses("steps"), try losses("epochs"))
    // 100 steps are epochs 1 to 3 and a third of the fourth.
    let expected = (epochs[0] + epochs[1] + epochs[2] + epochs[3] / 3) / (10.0 / 3)
    #expect(abs(steps[0] - expected) < 0.05 * expected)
  }

  @Test func resumingKeepsTheCheckpoint() throws {
    let run = "\(small) rows.npy -o m.vae --log m.log"
    try expect(0, "", "\(run) --epochs 2 --checkpoint r.ckpt && printf '{\"event\":\"ste' >> m.log")
    try expect(
      0, "", "cp r.ckpt before; \(run) --epochs 4 --resume r.ckpt && ! cmp -s r.ckpt before")
    try expect(0, "", "\(run) --epochs 5 --resume r.ckpt && test $(grep -c . m.log) = 8")
    let log = try String(contentsOfFile: folder.path + "/m.log", encoding: .utf8)
    for line in log.split(separator: "\n") {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }

  // Line 8
  @Test func thresholdsAreInTheModel() throws {
    let values = (0..<432).map { Float($0 * 7 % 11) / 10 > 0.5 ? Float(1) : 0 }
    _ = try folder.write(npy("<f4", "(12, 36)", f4(values)), to: "binary.npy")
    try expect(
      0, "",
      """
      \(small) --epochs 1 --binarize threshold -o t.vae rows.npy
      for tool in vae-encode vae-score; do
        $tool t.vae rows.npy > a.npy && $tool t.vae binary.npy > b.npy && cmp a.npy b.npy || exit 1
      done
      """)
  }

  // Line 11
  @Test func writeErrorsDoNotWaitForRows() throws {
    let result = try shell(
      """
      \(small) --epochs 1 -o m.vae rows.npy; mkfifo slow; { cat rows.npy; sleep 40; } > slow & feed=$!
      vae-encode m.vae slow > /dev/full; status=$?; kill $feed; exit $status
      """, in: folder.path)
    #expect(result.status == 74)
    #expect(result.messages.contains("No space left"))
  }

  // Lines 6 and 19
  @Test func resumingSaysWhatDiffers() throws {
    let run = "\(small) rows.npy -o m.vae"
    try expect(0, "", "\(run) --epochs 2 --checkpoint r.ckpt")
    try expect(
      65, "lr 0.001, asked for 0.01", "\(run) --resume r.ckpt --lr 0.01")
    try expect(
      65, "made with latent 2, asked for 3",
      "vae-fit --hidden 4 --latent 3 rows.npy --batch 4 --resume r.ckpt -o m.vae")
    try expect(65, "expected a tensor 'optimizer.first.", "\(run) --resume m.vae.ckpt") {
      try withoutTensors("optimizer.", of: "r.ckpt", to: "m.vae.ckpt")
    }
  }

  private func expect(
    _ status: Int32, _ words: String, _ script: String, after prepare: () throws -> Void
  ) throws {
    try prepare()
    try expect(status, words, script)
  }

  /// Copies a safetensors file but for some of its tensors.
  private func withoutTensors(_ prefix: String, of name: String, to copy: String) throws {
    let file = try SafetensorsFile(path: folder.path + "/" + name)
    let tensors = try file.entries.filter { !$0.name.hasPrefix(prefix) }.map {
      SafetensorsTensor(name: $0.name, shape: $0.shape, values: try file.floats($0.name))
    }
    let target = try AtomicFile(path: folder.path + "/" + copy)
    try SafetensorsWriter.write(tensors, metadata: file.metadata, to: target.sink)
    try target.commit()
  }

  /// Figures in a checkpoint that no run has.
  @Test(arguments: [
    ("steps_in_epoch\":0", "steps_in_epoch\":-1"), ("steps_in_epoch\":0", "steps_in_epoch\":99"),
    ("epochs_done\":2", "epochs_done\":-2"), ("epochs_done\":2", "epochs_done\":900000"),
    ("\"step\":6", "\"step\":7"), ("statistics\":[0,", "statistics\":[0,0,0,0,0,0,0,0,"),
    ("best_epoch\":0", "best_epoch\":1"), ("\"rows\":0", "\"rows\":5"),
    ("\"batch\":4", "\"batch\":0"), ("\"particles\":1", "\"particles\":0"),
  ])
  func checkpointsAreChecked(_ sound: String, _ damaged: String) throws {
    let run = "\(small) rows.npy -o m.vae"
    try expect(0, "", "\(run) --epochs 2 --checkpoint r.ckpt")
    let file = try SafetensorsFile(path: folder.path + "/r.ckpt")
    var changed = 0
    let metadata = file.metadata.mapValues { text in
      let new = text.replacingOccurrences(of: sound, with: damaged)
      changed += new == text ? 0 : 1
      return new
    }
    #expect(changed > 0)
    let target = try AtomicFile(path: folder.path + "/d.ckpt")
    let tensors = try file.entries.map {
      SafetensorsTensor(name: $0.name, shape: $0.shape, values: try file.floats($0.name))
    }
    try SafetensorsWriter.write(tensors, metadata: metadata, to: target.sink)
    try target.commit()
    try expect(65, "d.ckpt: ", "\(run) --epochs 4 --resume d.ckpt")
  }
}
