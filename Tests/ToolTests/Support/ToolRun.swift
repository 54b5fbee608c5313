import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What a tool's standard input or output is.
enum Stream {
  /// A pipe: bytes to write to it, or all that comes from it.
  case pipe([UInt8] = [])
  /// A pipe of which only so many bytes are read before it is closed.
  case head(Int)
  case file(String)
  case terminal
  case closed
}

/// How a tool ended.
struct ToolRun {
  /// The exit status, or 128 and the number of the signal, as a shell has it.
  let status: Int32
  let output: [UInt8]
  let messages: String
  /// The most memory it was seen to have, in bytes; 0 where that cannot be seen.
  let peakMemory: Int

  /// The lines on standard error.
  var lines: [Substring] { messages.split(separator: "\n") }
}

/// Why a tool could not be run at all.
struct SpawnError: Error, CustomStringConvertible {
  let description: String
}

private let starting = NSLock()

/// Runs a built tool to its end, feeding and draining its streams meanwhile, and kills it after a
/// minute.
/// - Parameters:
///   - environment: all of it, but for PATH.
///   - meanwhile: called with the process's id once it runs.
func run(
  _ tool: String, _ arguments: [String] = [], input: Stream = .pipe(), output: Stream = .pipe(),
  messages: Stream = .pipe(), environment: [String: String] = [:],
  ignoringBrokenPipes: Bool = false,
  meanwhile: ((pid_t) -> Void)? = nil
) throws -> ToolRun {
  let program = tool.hasPrefix("/") ? tool : products.appendingPathComponent(tool).path
  signal(SIGPIPE, SIG_IGN)  // the tools must not need anyone's good will for theirs
  // Another test's tool, started meanwhile, would inherit our ends of the pipes and keep them open.
  starting.lock()
  var plumbing = Plumbing()
  let (feed, drain, talk, child): (Int32?, Int32?, Int32?, pid_t)
  do {
    defer { starting.unlock() }
    feed = try plumbing.connect(input, as: STDIN_FILENO)
    drain = try plumbing.connect(output, as: STDOUT_FILENO)
    talk = try plumbing.connect(messages, as: STDERR_FILENO)
    child = try plumbing.spawn(
      program, arguments, environment: environment, ignoringBrokenPipes: ignoringBrokenPipes)
  }

  var bytes: [UInt8] = []
  var words: [UInt8] = []
  let threads = [
    Thread {
      if let feed, case .pipe(let bytes) = input { writeAll(bytes, to: feed) }
    },
    Thread {
      guard let drain else { return }
      if case .head(let count) = output {
        bytes = readAll(drain, limit: count)
      } else {
        bytes = readAll(drain)
      }
    },
    Thread { if let talk { words = readAll(talk) } },
  ]
  let watchdog = Watchdog(child, seconds: 60)
  let gauge = MemoryGauge(child)
  meanwhile?(child)
  var status: Int32 = 0
  while waitpid(child, &status, 0) == -1 && errno == EINTR {}
  watchdog.stop()
  let memory = gauge.stop()
  for thread in threads { thread.join() }
  if case .terminal = input, let feed { close(feed) }
  let ended = status & 0x7f
  return ToolRun(
    status: ended == 0 ? (status >> 8) & 0xff : 128 + ended, output: bytes,
    messages: String(decoding: words, as: UTF8.self), peakMemory: memory)
}

/// Runs a script of sh with the built tools in its PATH.
func shell(_ script: String, in folder: String = "/tmp", input: Stream = .pipe()) throws -> ToolRun
{
  try run(
    "/bin/sh", ["-c", "cd '\(folder)' || exit; \(script)"], input: input,
    environment: ["PATH": "\(products.path):/usr/bin:/bin"])
}
