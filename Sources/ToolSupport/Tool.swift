public import ArgumentParser
import SystemPackage
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One command of vae-tools.
///
/// A tool declares its arguments and writes `run()`, which throws for whatever goes wrong. What all
/// tools owe their user is done here, in `main()`: messages of one line that begin with the tool's
/// name, exit statuses from sysexits(3), quiet death by SIGPIPE, help and version on a standard
/// output that may be full or closed.
public protocol Tool: ParsableCommand {}

extension Tool {
  /// Parses the arguments, runs the tool and ends the process.
  public static func main() {
    Process.name = _commandName
    Process.prepare()
    let status: Int32
    do {
      var tool = try parseAsRoot(Process.arguments)
      try tool.run()
      status = 0
    } catch {
      status = report(error)
    }
    Console.clearLine()
    Interrupt.release()
    Process.end(status)
  }

  /// What ArgumentParser puts before a usage error.
  public static var _errorPrefix: String { "\(_commandName): " }

  /// Says what went wrong, or what was asked for (help, version, a completion script).
  private static func report(_ error: any Error) -> Int32 {
    switch error {
    case StreamError.brokenPipe:
      return 128 + SIGPIPE  // where the signal itself is blocked
    case let failure as any Failure:
      Console.say(failure.description + (remedy(for: failure).map { "; \($0)" } ?? ""))
      return failure.kind.rawValue
    case let errno as Errno:
      Console.say(errno.description)
      return FailureKind.io.rawValue
    case let status as ExitCode:
      return status.rawValue
    default:
      break
    }
    switch exitCode(for: error) {
    case .success:
      let isScript = Process.arguments.contains { $0.hasPrefix("--generate-completion-script") }
      let text = fullMessage(for: error)
      return print(isScript ? withoutHelpCommand(text) : text)
    case .validationFailure:
      Console.write(fullMessage(for: error))
      return FailureKind.usage.rawValue
    default:
      Console.say("a bug, please report it: \(error)")
      return FailureKind.bug.rawValue
    }
  }

  private static func print(_ text: String) -> Int32 {
    do {
      let sink = try ByteSink(standardOutput: ())
      try sink.write(Array("\(text)\n".utf8))
      try sink.finish()
      return 0
    } catch {
      return report(error)
    }
  }
}

extension CommandConfiguration {
  /// The configuration of a tool: its name, one sentence, what else `--help` says, and examples,
  /// each a command line.
  public static func tool(
    _ name: String, _ abstract: String, discussion: String = "", examples: [String]
  ) -> CommandConfiguration {
    let lines = examples.map { "  \($0)" }.joined(separator: "\n")
    return CommandConfiguration(
      commandName: name,
      abstract: abstract,
      discussion: (discussion.isEmpty ? "" : discussion + "\n\n") + "Examples:\n" + lines,
      version: "\(name) (vae-tools) \(Release.version)")
  }
}
