import Foundation
import Testing

@Suite struct TsneTests {
  private let rows = npy(
    "<f4", "(60, 3)", f4((0..<180).map { Float(($0 * 7919) % 101) + ($0 < 90 ? 0 : 500) }))

  @Test func laysRowsOut() throws {
    let options = ["--perplexity", "5", "--iterations", "260"]
    let result = try run("tsne", options, input: .pipe(rows))
    #expect(result.status == 0)
    #expect(result.output.starts(with: npy("<f4", "(60, 2)")))
    #expect(result.output.count == npy("<f4", "(60, 2)").count + 480)
    #expect(result.lines.count == 2)
    #expect(result.lines.first?.hasPrefix("tsne: iteration 250/260  kl ") == true)
    #expect(result.lines.last?.hasPrefix("tsne: iteration 260/260  kl ") == true)

    let folder = try TemporaryFolder()
    let file = try folder.write(rows, to: "rows.npy")
    let same = try run("tsne", options + ["-q", "--threads", "1", file])
    #expect(same.output == result.output && same.messages == "")
    for change in [
      ["--seed", "1"], ["--random-start"], ["--theta", "0.5"], ["--perplexity", "6"],
    ] {
      #expect(try run("tsne", options + change, input: .pipe(rows)).output != result.output)
    }
  }

  @Test func saysHowManyRowsItNeeds() throws {
    let result = try run("tsne", ["--perplexity", "60"], input: .pipe(rows))
    #expect(result.status == 65 && result.output.isEmpty)
    #expect(
      result.lines == [
        "tsne: standard input: a perplexity of 60.0 needs more rows than that, got 60"
      ])
  }

  @Test(arguments: [
    ["--perplexity", "0.5"], ["--perplexity", "nan"], ["--iterations", "0"], ["--theta", "2"],
    ["--theta", "nan"], ["--threads", "0"], ["--seed", "-1"],
  ])
  func refusesBadArguments(_ arguments: [String]) throws {
    #expect(try run("tsne", arguments, input: .pipe(rows)).status == 64)
  }
}
