import Foundation
import Testing

/// What `vae-page` writes, as text; `Tests/Scripts/page-test` opens it in a browser.
@Suite struct VAEPageTests {
  /// 40 pictures of 6x6.
  private let images = npy("|u1", "(40, 6, 6)", (0..<(40 * 36)).map { UInt8($0 * 7 % 251) })
  private let labels = npy("|u1", "(40,)", (0..<40).map { UInt8($0 % 3) })

  private func page(_ arguments: [String], input: Stream = .pipe()) throws -> ToolRun {
    try run("vae-page", [modelOf36Values] + arguments, input: input)
  }

  /// What stands in the element of that id.
  private func part(_ id: String, of page: ToolRun) throws -> String {
    let text = String(decoding: page.output, as: UTF8.self)
    let start = try #require(text.range(of: "id=\"\(id)\">"))
    let end = try #require(text.range(of: "</script>", range: start.upperBound..<text.endIndex))
    return String(text[start.upperBound..<end.lowerBound])
  }

  private func content(_ page: ToolRun) throws -> [String: Any] {
    let json = try JSONSerialization.jsonObject(with: Data(try part("content", of: page).utf8))
    return try #require(json as? [String: Any])
  }

  @Test func pageHoldsDecoderRowsAndRun() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write(images, to: "x.npy")
    let y = try folder.write(labels, to: "y.npy")
    let log = try folder.write(
      Array("{\"event\":\"epoch\",\"epoch\":1,\"loss\":2.5}\n".utf8), to: "run.jsonl")
    let arguments = ["--data", x, "--labels", y, "--label-names", "a,b,c", "--log", log]
    let result = try page(arguments)
    #expect(result.status == 0)
    #expect(result.lines.count == 1 && result.messages.hasPrefix("vae-page: the page is 0."))
    #expect(result.output.starts(with: Array("<!doctype html>".utf8)))
    #expect(!String(decoding: result.output, as: UTF8.self).contains("{{"))
    let content = try content(result)
    let arrays = try #require(content["arrays"] as? [String: [String: Any]])
    #expect(arrays["decoder.output.weight"]?["type"] as? String == "f32")
    #expect(arrays["rows.value"]?["type"] as? String == "u8")
    #expect(arrays["rows.value"]?["shape"] as? [Int] == [40, 36])
    #expect(arrays.keys.allSatisfy { !$0.hasPrefix("encoder.") })
    #expect((content["labels"] as? [String: [String]])?["kinds"] == ["a", "b", "c"])
    #expect((content["log"] as? [[String: Double]])?.first?["loss"] == 2.5)
    let bytes = try #require(Data(base64Encoded: try part("arrays", of: result)))
    for entry in arrays.values {
      let shape = try #require(entry["shape"] as? [Int])
      let size = try #require(["u8": 1, "f16": 2, "f32": 4][entry["type"] as? String ?? ""])
      let offset = try #require(entry["offset"] as? Int)
      #expect(offset % 4 == 0 && offset + size * shape.reduce(1, *) <= bytes.count)
    }
    // The same bytes again, and for any number of threads.
    #expect(try page(arguments + ["--threads", "1"]).output == result.output)
    #expect(try page(["--quiet", "--data", "-"], input: .pipe(images)).messages == "")
  }

  @Test func pageOfDecoderAlone() throws {
    let whole = try page([])
    let half = try page(["--f16", "--title", "mine"])
    #expect(whole.status == 0 && half.status == 0)
    #expect(try content(whole)["rows"] == nil)
    #expect(
      try content(whole)["title"] as? String
        == modelOf36Values.split(separator: "/").last.map(String.init))
    #expect(try content(half)["title"] as? String == "mine")
    let lengths = try [whole, half].map { try part("arrays", of: $0).utf8.count }
    #expect(lengths[1] * 2 <= lengths[0] + 64)
    let model = try Data(contentsOf: URL(fileURLWithPath: modelOf36Values))
    #expect(try run("vae-page", ["-"], input: .pipe([UInt8](model))).status == 0)
  }

  @Test func rowsAreBoundedAndEvenlySpaced() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write(images, to: "x.npy")
    let y = try folder.write(labels, to: "y.npy")
    let result = try page(["--data", x, "--labels", y, "--rows", "4"])
    #expect(result.status == 0 && result.lines.count == 2)
    #expect(
      result.lines[0] == "vae-page: 4 of 40 rows; --rows takes more")
    let content = try content(result)
    let rows = try #require(content["rows"] as? [String: Any])
    #expect(rows["count"] as? Int == 4 && rows["total"] as? Int == 40)
    let arrays = try #require(content["arrays"] as? [String: [String: Any]])
    let bytes = try #require(Data(base64Encoded: try part("arrays", of: result)))
    let first = try #require(arrays["rows.label"]?["offset"] as? Int)
    #expect([UInt8](bytes[first..<(first + 4)]) == [0, 1, 2, 0])  // rows 0, 10, 20 and 30
  }

  @Test func textsFromOutsideEndNoElement() throws {
    let folder = try TemporaryFolder()
    let hostile = "</script><!-- \u{2028}\u{202E}\"'&"
    let x = try folder.write(images, to: "x.npy")
    let y = try folder.write(labels, to: "y.npy")
    let columns = Array(repeating: hostile, count: 36).joined(separator: "\n")
    let names = try folder.write(Array(columns.utf8), to: "names")
    let result = try page([
      "--data", x, "--labels", y, "--label-names", "\(hostile),b,c", "--names", names, "--title",
      hostile,
    ])
    #expect(result.status == 0)
    let text = String(decoding: result.output, as: UTF8.self)
    #expect(text.components(separatedBy: "</script>").count == 4)
    #expect(!text.contains("<!-- ") && !text.contains("\u{2028}"))
    let content = try content(result)
    #expect(content["title"] as? String == hostile)
    #expect((content["columns"] as? [String])?.last == hostile)
    #expect((content["labels"] as? [String: [String]])?["kinds"]?[0] == hostile)
  }

  /// The page may run its own script, and may not touch the network.
  @Test func policyNamesTheScriptByItsHash() throws {
    let text = String(decoding: try page([]).output, as: UTF8.self)
    let policy = try #require(
      text.firstMatch(of: /Content-Security-Policy" content="([^"]*)"/)?.output.1)
    #expect(policy.hasPrefix("default-src 'none'; img-src data:; style-src 'sha256-"))
    #expect(!policy.contains("unsafe") && !policy.contains("http"))
    #expect(text.components(separatedBy: "://").count == 2)  // the name of SVG
  }

  @Test func sayWhatDoesNotFit() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write(images, to: "x.npy")
    let few = try folder.write(npy("|u1", "(2,)", [1, 2]), to: "few.npy")
    let y = try folder.write(labels, to: "y.npy")
    let wide = try folder.write(npy("<f4", "(1, 3)", f4([1, 2, 3])), to: "wide.npy")
    let none = try folder.write(npy("|u1", "(0, 6, 6)"), to: "none.npy")
    let high = try folder.write(
      npy("<f4", "(1, 36)", f4([Float](repeating: 9, count: 36))), to: "h")
    let names = try folder.write(Array("a\nb\n".utf8), to: "names")
    let bad = try folder.write(Array("{}\nwhat\n{}\n".utf8), to: "bad.jsonl")
    for (arguments, status, words) in [
      (
        ["--data", x, "--labels", few], 65, "\(few): expected 40 labels, one for each point, got 2"
      ),
      (["--data", x, "--labels", y, "--label-names", "a"], 64, "the names: expected 3 names,"),
      (["--data", wide], 65, "\(wide): row 0: expected 36 values, got 3"),
      (["--data", none], 65, "\(none): no rows, expected at least one"),
      (["--data", high], 65, "\(high): row 0: expected values in [0, 1]"),
      (["--names", names], 65, "the names: expected 36, one for each value of a row, got 2"),
      (["--names", few], 65, "\(few): line 1: expected a name in UTF-8"),
      (["--log", bad], 65, "\(bad): line 2: expected a JSON object"),
      (["--shape", "5x5"], 65, "the model's rows: "),
      (["--data", folder.path + "/no"], 66, folder.path + "/no: "),
      (["--log", folder.path + "/no"], 66, folder.path + "/no: "),
    ] as [([String], Int32, String)] {
      let result = try page(arguments)
      #expect(result.status == status, "\(arguments): \(result.messages)")
      #expect(result.output.isEmpty && result.lines.count == 1)
      #expect(result.messages.hasPrefix("vae-page: \(words)"), "\(result.messages)")
    }
    let text = try run("vae-page", [names])
    #expect(text.status == 65 && text.lines.count == 1)
    #expect(try page([], input: .pipe()).status == 0)
    #expect(try run("vae-page", [modelOf36Values], output: .terminal).status == 64)
  }

  @Test func rowsOfConditionalModelsHaveTheirClasses() throws {
    let folder = try TemporaryFolder()
    let x = try folder.write(images, to: "x.npy")
    let y = try folder.write(labels, to: "y.npy")
    let other = try folder.write(npy("|u1", "(40,)", (0..<40).map { UInt8($0 % 4) }), to: "o.npy")
    let model = "\(folder.path)/m.vae"
    let fit = ["-q", "--epochs", "1", "--hidden", "8", "--latent", "2", "-y", y, "-o", model, x]
    #expect(try run("vae-fit", fit).status == 0)
    // All rows, and some that are not side by side.
    for rows in [40, 13] {
      let result = try run("vae-page", [model, "--data", x, "-y", y, "--rows", "\(rows)"])
      #expect(result.status == 0, "\(result.messages)")
      let content = try content(result)
      #expect(content["classes"] as? [String] == ["0", "1", "2"])
      let arrays = try #require(content["arrays"] as? [String: [String: Any]])
      #expect(arrays["rows.class"]?["shape"] as? [Int] == [rows])
    }
    #expect(try run("vae-page", [model]).status == 0)
    let unlabelled = try run("vae-page", [model, "--data", x])
    #expect(unlabelled.status == 64 && unlabelled.messages.contains("-y, --labels"))
    let unknown = try run("vae-page", [model, "--data", x, "-y", other])
    #expect(unknown.status == 65)
    #expect(
      unknown.lines == ["vae-page: the labels: row 3: the model has not learned of label 3"])
  }

  @Test(arguments: [
    ["--labels", "y.npy"], ["--data", "x.npy", "--label-names", "a"], ["--rows", "0"],
    ["--rows", "x"], ["--shape", "6"], ["--data", "-", "--labels", "-"], ["--label-names", "a,,b"],
    ["--threads", "0"],
  ])
  func refuseBadArguments(_ arguments: [String]) throws {
    let result = try page(arguments)
    #expect(result.status == 64 && result.output.isEmpty)
  }
}
