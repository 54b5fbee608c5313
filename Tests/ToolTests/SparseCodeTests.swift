import Foundation
import Testing

@Suite struct SparseCodeTests {
  /// Rows of 6 values that repeat themselves and one another as numbers of a sine do.
  private static func values(_ rows: Int) -> [Float] {
    (0..<rows * 6).map { Float(sin(Double($0 * $0) * 0.37)) }
  }

  private static func rows(_ count: Int) -> [UInt8] {
    npy("<f4", "(\(count), 6)", f4(values(count)))
  }

  private let folder: TemporaryFolder
  private let dictionary: String

  /// Learns a dictionary for the tests that need one.
  init() throws {
    folder = try TemporaryFolder()
    dictionary = folder.path + "/d.dict"
    let learned = try run(
      "sparse-code", ["-k", "9", "-l", "0.1", "-q", "-o", dictionary], input: .pipe(Self.rows(300)))
    #expect(learned.status == 0 && learned.messages == "")
  }

  private func code(_ arguments: [String] = [], input: [UInt8] = rows(300)) throws -> ToolRun {
    try run("sparse-code", ["-d", dictionary] + arguments, input: .pipe(input))
  }

  @Test func codesRowsAndSumsUp() throws {
    let result = try run(
      "sparse-code", ["-k", "5", "--epochs", "1"], input: .pipe(Self.rows(100)))
    #expect(result.status == 0)
    let header = npy("<f4", "(100, 5)")
    #expect(Array(result.output.prefix(header.count)) == header)
    #expect(result.output.count == header.count + 100 * 5 * 4)
    #expect(result.lines.count == 3)
    for word in ["100 rows", "objective", "relative gap", "non-zero", "R²", "dead atoms"] {
      #expect(result.lines[1].contains(word))
    }
  }

  @Test func anyNumberOfThreadsGivesTheSameBytes() throws {
    var seen: Set<[UInt8]> = []
    for threads in 1...4 {
      let file = folder.path + "/\(threads).dict"
      let result = try run(
        "sparse-code", ["--threads", "\(threads)", "-k", "9", "-q", "-o", file],
        input: .pipe(Self.rows(1000)))
      seen.insert(result.output + (try Data(contentsOf: URL(fileURLWithPath: file))))
    }
    #expect(seen.count == 1)
  }

  @Test func aDictionaryRemembersItsLambda() throws {
    let own = try code()
    #expect(own.status == 0)
    #expect(try code(["-l", "0.1"]).output == own.output)
    #expect(try code(["-l", "0.2"]).output != own.output)
    let all = try code(["--lambda-ratio", "1"])
    #expect(all.lines[0].contains(", 0 of 9 non-zero"))
  }

  @Test func decodesToRows() throws {
    let codes = try code(["-l", "0", "-q"])
    let decoded = try run("sparse-decode", [dictionary], input: .pipe(codes.output))
    #expect(decoded.status == 0 && decoded.messages == "")
    let data = Array(decoded.output.dropFirst(npy("<f4", "(300, 6)").count))
    for (index, value) in Self.values(300).enumerated() {
      let bits = data[index * 4..<index * 4 + 4].reversed().reduce(UInt32(0)) {
        $0 << 8 | UInt32($1)
      }
      #expect(abs(Float(bitPattern: bits) - value) < 1e-4)
    }
    let pairs = try code(["-l", "0", "-q", "--format", "csr"])
    let again = try run("sparse-decode", [dictionary], input: .pipe(pairs.output))
    #expect(again.output == decoded.output)
  }

  @Test func logsItsFigures() throws {
    let log = folder.path + "/log.jsonl"
    _ = try run(
      "sparse-code", ["-k", "4", "--epochs", "2", "--learn-tol", "0", "-q", "--log", log],
      input: .pipe(Self.rows(50)))
    let lines = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 3)
    let end = try #require(
      try JSONSerialization.jsonObject(with: Data(lines[2].utf8)) as? [String: Any])
    #expect(end["event"] as? String == "end")
    #expect(end["rows"] as? Int == 50)
    #expect((end["histogram"] as? [Int])?.reduce(0, +) == 50)
  }

  @Test func warnsOfRowsThatDidNotConverge() throws {
    let result = try code(["--solver", "ista", "--max-iter", "2"])
    #expect(result.status == 0)
    #expect(result.lines.last?.hasPrefix("sparse-code: warning: ") ?? false)
  }

  @Test(arguments: [
    ["-k", "0"], ["-k", "99999"], ["-l", "-1"], ["-l", "nan"], ["-l", "1", "--lambda-ratio", "1"],
    ["--solver", "omp"], ["--sparsity", "3"], ["--tol", "0"], ["--max-iter", "0"],
    ["--epochs", "0"], ["--batch", "0"], ["--format", "coo"], ["--threads", "0"],
    ["-d", "x", "-k", "3"], ["-d", "x", "--seed", "3"], ["-d", "x", "-o", "y"], ["-d", "-"],
  ])
  func impossibleOptionsAreUsageErrors(_ arguments: [String]) throws {
    let result = try run("sparse-code", arguments, input: .pipe(Self.rows(3)))
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
  }

  @Test func refusesBadRows() throws {
    var broken = Self.values(4)
    broken[9] = .nan
    let bad: [(input: [UInt8], words: String)] = [
      (npy("<f4", "(4, 6)", f4(broken)), "row 1: element 3 is nan"),
      (npy("<f4", "(2, 5)", f4([Float](repeating: 1, count: 10))), "rows have 5 values"),
      ([], "no data"),
      (Array(Self.rows(4).dropLast()), "data ends early"),
    ]
    for (input, words) in bad {
      let result = try code(input: input)
      #expect(result.status == 65)
      #expect(result.lines.count == 1 && result.messages.contains(words))
      if words.hasPrefix("rows") { continue }
      let learning = try run("sparse-code", ["-k", "2"], input: .pipe(input))
      #expect(learning.status == 65 && learning.lines.count == 1)
    }
    let zeros = npy("<f4", "(3, 2)", f4([0, 0, 0, 0, 0, 0]))
    #expect(try run("sparse-code", [], input: .pipe(zeros)).status == 65)
    #expect(try run("sparse-decode", [dictionary], input: .pipe(Self.rows(3))).status == 65)
  }

  @Test func refusesWhatIsNoDictionary() throws {
    let file = try folder.write(Self.rows(3), to: "x.npy")
    for (path, status) in [(file, Int32(65)), (folder.path + "/none", 66)] {
      for (tool, arguments) in [("sparse-code", ["-d", path]), ("sparse-decode", [path])] {
        let result = try run(tool, arguments, input: .pipe(Self.rows(3)))
        #expect(result.status == status)
        #expect(result.lines.count == 1)
      }
    }
  }

  @Test func leavesNoDictionaryBehindAnError() throws {
    let file = folder.path + "/never.dict"
    let result = try run(
      "sparse-code", ["-o", file], input: .pipe(Array(Self.rows(40).dropLast(3))))
    #expect(result.status == 65)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["d.dict"])
  }
}
