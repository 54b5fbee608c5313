import Foundation
import Testing
import VAECore

/// What once stopped people in their first hour.
@Suite struct FirstHourTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let values = (0..<48).map { Float($0 * 7 % 11) / 10 }
    _ = try folder.write(npy("<f4", "(12, 4)", f4(values)), to: "x.npy")
  }

  private var fit: String { "vae-fit --epochs 1 --hidden 4 --latent 2 --quiet" }

  // Line 17
  @Test(arguments: toolNames) func completionsOfferNoHelp(_ tool: String) throws {
    for (name, words) in [
      ("bash", ["compgen -W 'help'"]), ("zsh", ["'help:", ":->command"]), ("fish", ["-fa 'help'"]),
    ] {
      let script = try run(tool, ["--generate-completion-script", name]).output
      let text = String(decoding: script, as: UTF8.self)
      #expect(text.contains(tool))
      for word in words { #expect(!text.contains(word), "\(name): \(word)") }
    }
  }

  /// Every operand and option that names a file.
  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/bin/bash")),
    arguments: [
      "vae-encode m.v", "vae-encode m.vae x.n", "vae-decode m.v", "vae-score m.v", "vae-info m.v",
      "vae-fit x.n", "vae-fit -o m.v", "vae-fit --log m.v", "vae-fit --checkpoint m.v",
      "vae-fit --resume m.v", "vae-fit --init m.v", "vae-fit --valid x.n", "sparse-code x.n",
      "sparse-code -d m.v", "sparse-code -o m.v", "sparse-code --log m.v", "sparse-decode m.v",
      "probe-fit x.n", "probe-fit --labels x.n", "probe-fit --finetune m.v", "probe-fit -o m.v",
      "probe-predict m.v", "probe-predict --labels x.n", "pca x.n", "pca -o m.v", "pca --model m.v",
      "tsne x.n", "lerp x.n", "png-grid x.n", "png-scatter x.n", "png-scatter --labels x.n",
      "png-curves x.n", "png-cat x.n", "tensor-info x.n", "tensor-head x.n", "tensor-cat x.n",
      "tensor-cmp x.n", "tensor-csv x.n", "tensor-raw --input x.n",
    ])
  func completionsOfferFiles(_ line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    let tool = words[0]
    let script =
      "\(tool) --generate-completion-script bash > script; touch m.vae; bash -c 'source ./script; "
      + "COMP_WORDS=(\(line)); COMP_CWORD=\(words.count - 1); COMP_LINE=\"\(line)\"; "
      + "COMP_POINT=${#COMP_LINE}; COMP_TYPE=9; "
      + "_\(tool) \(tool) \(words[words.count - 1]) \(words[words.count - 2]); "
      + "printf \"%s\\n\" \"${COMPREPLY[@]}\"'"
    let result = try shell(script, in: folder.path)
    let offers = String(decoding: result.output, as: UTF8.self).split(separator: "\n")
    let expected = words[words.count - 1] == "x.n" ? "x.npy" : "m.vae"
    #expect(offers.map(String.init) == [expected], "\(result.messages)")
  }

  // Line 18
  @Test(arguments: [
    "sparse-code -k2 x.npy", "sparse-code -k2 -l0.1 -od.dict x.npy", "pca -k1 -op.pca x.npy",
    "tensor-head -5 x.npy", "tensor-head -n5 x.npy", "vae-fit x.npy -om.vae --epochs 1",
    "vae-fit --input x.npy -o m.vae --epochs 1",
  ])
  func shortOptionsTakeWhatIsAttached(_ line: String) throws {
    let result = try shell("\(line) > out", in: folder.path)
    #expect(result.status == 0, "\(result.messages)")
  }

  @Test func dashAndNumberAreRows() throws {
    let head = try shell("tensor-head -5 x.npy", in: folder.path).output
    #expect(try shell("tensor-head -n 5 x.npy", in: folder.path).output == head)
    #expect(try shell("tensor-head -5 -n 4 x.npy", in: folder.path).status == 64)
    #expect(try shell("\(fit) x.npy --input x.npy -o m.vae", in: folder.path).status == 64)
  }

  // Line 19
  @Test(arguments: [
    ("vae-encode x.npy m.vae", "expected a safetensors file, such as a model, got a NumPy array"),
    ("vae-encode m.vae m.vae", "got a safetensors file, such as a model"),
    ("vae-encode m.vae p.png", "got a PNG picture; png-cat makes a stream of it"),
    ("vae-encode p.png x.npy", "expected a safetensors file, such as a model, got a PNG picture"),
    ("vae-info m.pt", "got a zip archive, as .pt and .npz files are"),
    ("tensor-info m.pt", "got a zip archive, as .pt and .npz files are"),
    ("tensor-info t.csv", "got text; tensor-csv --read makes a stream of it"),
    ("png-cat m.vae", "picture at byte 0, got a safetensors file, such as a model"),
  ])
  func otherFilesAreNamed(_ line: String, _ words: String) throws {
    _ = try folder.write(Array("PK".utf8) + [3, 4] + [UInt8](repeating: 9, count: 40), to: "m.pt")
    _ = try folder.write(Array("1,2\n3,4\nand more\n".utf8), to: "t.csv")
    let result = try shell(
      "\(fit) x.npy -o m.vae; png-grid --shape 2x2 x.npy > p.png; \(line) > out", in: folder.path)
    #expect(result.status == 65)
    #expect(result.messages.contains(words), "\(result.messages)")
    #expect(result.lines.count == 1)
  }

  @Test func aConfigurationWithoutAKeyIsNamed() throws {
    let file = try folder.write([], to: "bad.vae")
    let target = try AtomicFile(path: file)
    try SafetensorsWriter.write(
      [], metadata: ["vae-tools.kind": "vae", "vae-tools.config": "{\"latent\":2,\"beta\":1}"],
      to: target.sink)
    try target.commit()
    let result = try shell("vae-encode bad.vae x.npy", in: folder.path)
    #expect(result.status == 65)
    #expect(result.messages.contains("bad.vae: the model's configuration"))
    #expect(result.messages.contains("is missing"))
  }

  // Line 20
  @Test func theEndSaysWhatWasWritten() throws {
    let result = try shell(
      "vae-fit --epochs 2 --hidden 4 --latent 2 x.npy -o m.vae", in: folder.path)
    #expect(result.messages.contains(" rows/s\n"))
    #expect(result.lines.last == "vae-fit: m.vae holds the model after 2 epochs")
  }

  @Test func aRunThatIsLostIsCalledSo() throws {
    for (option, words) in [
      ("", "interrupted: the run is lost; --checkpoint FILE would have kept it"),
      ("--checkpoint r.ckpt", "go on with --resume r.ckpt"),
    ] {
      let ended = try shell(
        """
        vae-fit --epochs 1000000 --hidden 4 --latent 2 x.npy -o m.vae \(option) 2> said & fit=$!
        while ! grep -q 'epoch 2/' said; do sleep 0.05; done; kill -TERM $fit; wait $fit
        status=$?; tail -n 1 said >&2; exit $status
        """, in: folder.path)
      #expect(ended.status == 143)
      #expect(ended.messages.contains(words), "\(ended.messages)")
    }
  }

  /// Rows whose second half comes after more than a second.
  @Test(arguments: [
    "vae-encode m.vae", "vae-decode m.vae", "vae-score m.vae", "vae-score m.vae --summary",
    "vae-score m.vae --flags", "sparse-code -d d", "probe-predict p",
  ])
  func longCodingShowsItsRate(_ command: String) throws {
    _ = try folder.write(npy("|u1", "(12,)", (0..<12).map { $0 % 2 }), to: "y.npy")
    let rows = command.hasPrefix("vae-decode") ? "z.npy" : "x.npy"
    let made = try shell(
      "\(fit) -o m.vae x.npy && vae-encode m.vae x.npy > z.npy && mkfifo slow && "
        + "sparse-code -q -k2 -o d x.npy > c && probe-fit -q --labels y.npy -o p x.npy",
      in: folder.path)
    #expect(made.status == 0, "\(made.messages)")
    func said(_ end: String, to messages: Stream = .terminal) throws -> String {
      let result = try run(
        "/bin/sh",
        [
          "-c",
          "cd '\(folder.path)'; { head -c 140 \(rows); sleep 1.1; tail -c +141 \(rows); } > slow & "
            + "\(command) slow \(end)",
        ], messages: messages,
        environment: ["PATH": "\(products.path):/usr/bin:/bin", "TERM": "xterm"])
      #expect(result.status == 0, "\(result.messages)")
      return result.messages
    }
    let shown = try said("> out")
    #expect(shown.contains(" 100 %  ") && shown.contains(" rows/s  0 s left"), "\(shown)")
    #expect(shown.contains("\r\u{1B}[K"))
    for end in ["| cat > out", "--quiet > out"] {
      #expect(!(try said(end).contains("rows/s")))
    }
    #expect(!(try said("> out", to: .pipe()).contains("rows/s")))
  }

  // Line 21
  @Test func summariesAreJSONToo() throws {
    let result = try shell(
      "\(fit) x.npy -o m.vae; vae-score m.vae x.npy --summary --json", in: folder.path)
    let object = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any]
    #expect(
      Set((object ?? [:]).keys)
        == ["term", "mean", "standard_error", "deviation", "rows", "not_finite"])
    #expect(try shell("vae-score m.vae x.npy --json", in: folder.path).status == 64)
  }

  @Test func curvesOfArraysAndLogarithms() throws {
    let result = try shell(
      """
      set -e; vae-fit --epochs 3 --hidden 4 --latent 2 --quiet x.npy -o m.vae --log run.log
      png-curves --metrics kl_by_dimension run.log > a.png
      png-curves --metrics kl_by_dimension,loss --log run.log > b.png
      png-curves --metrics loss,kl,reconstruction,rows_per_second run.log > c.png
      ! cmp -s a.png b.png
      """, in: folder.path)
    #expect(result.status == 0, "\(result.messages)")
    #expect(try shell("png-curves --metrics outcome run.log", in: folder.path).status == 65)
  }

  // Line 13
  @Test func withoutFontsThereAreLetters() throws {
    _ = try folder.write(npy("<f4", "(2, 2)", f4([0, 1, 2, 3])), to: "p.npy")
    _ = try folder.write(Array("<fontconfig></fontconfig>".utf8), to: "none.conf")
    let result = try shell(
      "export FONTCONFIG_FILE=$PWD/none.conf XDG_CACHE_HOME=$PWD; png-scatter p.npy --title A > a.png "
        + "&& png-scatter p.npy --title B > b.png && ! cmp -s a.png b.png", in: folder.path)
    #expect(result.status == 0, "\(result.messages)")
  }
}
