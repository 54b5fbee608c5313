import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The process a tool is.
enum Process {
  /// The tool's name, which begins its messages. Set once, first thing in `Tool.main()`, before
  /// there is a second thread.
  nonisolated(unsafe) static var name = "vae-tools"

  /// The signals by which a user, a scheduler or a closing terminal ends a process.
  static let endings = [SIGINT, SIGTERM, SIGHUP]

  /// Puts right what the process was started with.
  static func prepare() {
    // Whoever started the tool may have ignored SIGPIPE (Python does); a closed pipe ends us
    // silently all the same.
    signal(SIGPIPE, SIG_DFL)
    openStandardDescriptors()
    for ending in endings where !isIgnored(ending) {
      signal(ending) { number in
        AtomicFile.removeAllTemporaries()
        signal(number, SIG_DFL)
        raise(number)  // delivered when this handler returns
      }
    }
    // Builds the table of temporary files now, not inside a signal handler.
    AtomicFile.removeAllTemporaries()
  }

  /// Ends the process.
  static func end(_ status: Int32) -> Never {
    exit(status)
  }

  /// A signal the process was started to ignore (by `nohup`, or a shell's `&`) stays ignored.
  static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
      let handler = action.__sigaction_u.__sa_handler
    #elseif canImport(Musl)
      let handler = action.__sa_handler.sa_handler
    #else
      let handler = action.__sigaction_handler.sa_handler
    #endif
    return unsafeBitCast(handler, to: Int.self) == 1  // SIG_IGN
  }

  /// A closed standard descriptor would be given to the next file opened. Each gets /dev/null the
  /// wrong way round instead, so that reading or writing it is an error, and only then.
  private static func openStandardDescriptors() {
    for (descriptor, access) in [(Int32(0), O_WRONLY), (1, O_RDONLY), (2, O_WRONLY)]
    where fcntl(descriptor, F_GETFD) == -1 {
      // The lowest free number is this one: those below it are open by now.
      _ = open("/dev/null", access)
    }
  }
}
