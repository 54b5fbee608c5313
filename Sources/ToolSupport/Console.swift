#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Words for the user, on standard error. Used by the main thread only.
enum Console {
  /// Whether the cursor stands behind a progress line, which the next words must not be added to.
  nonisolated(unsafe) private static var lineIsOpen = false

  /// Writes `tool: message`, on one line whatever the message holds.
  static func say(_ message: String) {
    let line = message.split(whereSeparator: \.isNewline).joined(separator: " ")
    write("\(Process.name): \(line)")
  }

  /// Writes lines as they are.
  static func write(_ lines: String) {
    clearLine()
    put(lines + "\n")
  }

  /// Writes `tool: message` over the line the last call wrote; for terminals.
  static func rewrite(_ message: String) {
    // A line that wraps could not be rewritten.
    let line = "\(Process.name): \(message)".prefix(max(1, columns - 1))
    put("\r\(line)\u{1B}[K")
    lineIsOpen = true
  }

  /// Takes a rewritten line away, so that what comes next stands in its place.
  static func clearLine() {
    if lineIsOpen { put("\r\u{1B}[K") }
    lineIsOpen = false
  }

  /// Writes the bytes of a text, all at once where the system takes them so. There is nowhere left
  /// to report a failure to.
  private static func put(_ text: String) {
    text.systemBytes.withUnsafeBufferPointer { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let part = UnsafeBufferPointer(rebasing: rest)
        #if canImport(Darwin)
          let written = Darwin.write(STDERR_FILENO, part.baseAddress, part.count)
        #elseif canImport(Musl)
          let written = Musl.write(STDERR_FILENO, part.baseAddress, part.count)
        #else
          let written = Glibc.write(STDERR_FILENO, part.baseAddress, part.count)
        #endif
        if written < 0 && errno == EINTR { continue }
        guard written > 0 else { return }
        rest = rest.dropFirst(written)
      }
    }
  }

  /// Whether standard error is a terminal that understands escapes.
  static var isTerminal: Bool {
    guard isatty(STDERR_FILENO) == 1 else { return false }
    return getenv("TERM").map { String(cString: $0) != "dumb" } ?? false
  }

  /// Whether standard output is a pipe.
  static var outputIsPipe: Bool {
    var status = stat()
    return fstat(STDOUT_FILENO, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO
  }

  /// The width of that terminal in columns.
  private static var columns: Int {
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return known ? Int(size.ws_col) : 80
  }
}
