import Foundation
import Testing

/// What every tool owes its user.
@Suite struct ContractTests {
  @Test(arguments: toolNames) func helpNamesToolAndShowsExamples(_ tool: String) throws {
    let help = try run(tool, ["--help"])
    #expect(help.status == 0)
    #expect(help.messages == "")
    let text = String(decoding: help.output, as: UTF8.self)
    #expect(text.contains("USAGE: \(tool)"))
    #expect(text.contains("Examples:\n"))
    for option in ["--quiet", "--version", "--help"] { #expect(text.contains(option)) }
  }

  @Test(arguments: toolNames) func versionIsOneLine(_ tool: String) throws {
    let version = try run(tool, ["--version"])
    #expect(version.status == 0)
    let text = String(decoding: version.output, as: UTF8.self)
    #expect(text.hasPrefix("\(tool) (vae-tools) "))
    #expect(text.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
  }

  @Test(arguments: toolNames) func unknownOptionIsUsageError(_ tool: String) throws {
    let result = try run(tool, ["--no-such-option"])
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.messages.hasPrefix("\(tool): "))
    #expect(result.messages.contains("Usage: \(tool)"))
  }

  @Test(arguments: toolNames) func fullOrClosedOutputIsAnError(_ tool: String) throws {
    #if os(Linux)
      let full = try run(tool, ["--help"], output: .file("/dev/full"))
      #expect(full.status == 74)
      #expect(full.lines.count == 1)
    #endif
    let closed = try run(tool, ["--help"], output: .closed)
    #expect(closed.status == 74)
    #expect(closed.messages == "\(tool): standard output: is closed\n")
  }

  @Test(arguments: toolNames, ["bash", "zsh", "fish"])
  func completionsAreThere(_ tool: String, shell: String) throws {
    let result = try run(tool, ["--generate-completion-script", shell])
    #expect(result.status == 0)
    #expect(String(decoding: result.output, as: UTF8.self).contains(tool))
  }

  /// Each long option of `--help` has its entry in the man page, and each entry its option.
  @Test(arguments: toolNames) func manPageMatchesHelp(_ tool: String) throws {
    let page = repository.appendingPathComponent("man/\(tool).1")
    let manual = try String(contentsOf: page, encoding: .utf8)
    let help = String(decoding: try run(tool, ["--help"]).output, as: UTF8.self)
    let options = help.components(separatedBy: "\nUSAGE:").last ?? ""
    let offered = Set(
      options.split(separator: "\n")
        .filter { $0.hasPrefix("  -") }
        .flatMap { line in line.split(whereSeparator: { " ,/=".contains($0) }) }
        .filter { $0.hasPrefix("--") }
        .map(String.init))
    let documented = Set(
      manual.split(separator: "\n")
        .filter { $0.hasPrefix(".It ") }
        .flatMap { line -> [String] in
          let words = line.split(separator: " ")
          return zip(words, words.dropFirst())
            .filter { $0 == "Fl" && $1.hasPrefix("-") }
            .map { "-\($1)" }
        })
    #expect(!offered.isEmpty)
    #expect(offered.subtracting(documented).sorted() == [], "not in the man page")
    #expect(documented.subtracting(offered).sorted() == [], "not in --help")
  }
}
