public import ArgumentParser
public import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The options every tool has, and the streams they govern.
public struct StreamOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say nothing on standard error but errors.")
  public var quiet = false

  @Flag(help: "Write binary data even to a terminal.")
  public var force = false

  public init() {}

  /// Opens an operand for reading; none, or `-`, is standard input.
  /// - Throws: a usage error when there is no operand and standard input is a terminal, where
  ///   nobody is going to type a tensor.
  public func input(_ operand: String? = nil) throws -> ByteSource {
    if let operand, operand != "-" { return try ByteSource(path: operand) }
    if operand == nil && isatty(STDIN_FILENO) == 1 {
      throw ValidationError("standard input is a terminal: name a file or pipe a stream in")
    }
    return try ByteSource(standardInput: ())
  }

  /// Opens standard output for binary data.
  /// - Throws: a usage error when it is a terminal, unless `--force` was given.
  public func output() throws -> ByteSink {
    if !force && isatty(STDOUT_FILENO) == 1 {
      throw ValidationError(
        "standard output is a terminal: redirect the binary data, or insist with --force")
    }
    return try ByteSink(standardOutput: ())
  }

  /// Says something on standard error, as a line `tool: text`, unless `--quiet` was given.
  public func note(_ text: String) {
    if !quiet { Console.say(text) }
  }

  /// Says what the user should know of rows, unless `--quiet` was given.
  public func warn(_ remarks: [String]) {
    for remark in remarks { note("warning: \(remark)") }
  }

  /// Opens an operand as `input` does, for rows of which it is to be shown how many are done.
  public func reportedRows(_ operand: String?) throws -> (TensorReader, report: (Int) -> Void) {
    let reader = try TensorReader(input(operand))
    return (reader, report(of: reader.declaredRows))
  }

  /// What shows how many of `rows` rows are done.
  public func report(of rows: Int) -> (_ done: Int) -> Void { progress().rows(of: rows) }

  /// The progress line of a long run.
  public func progress() -> Progress {
    Progress(quiet: quiet)
  }
}
