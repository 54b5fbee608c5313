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

  /// The words after the tool's name, whatever their bytes.
  static var arguments: [String] {
    (1..<max(1, Int(CommandLine.argc))).compactMap { index in
      CommandLine.unsafeArgv[index].map { String(system: $0) }
    }
  }

  /// Puts right what the process was started with.
  static func prepare() {
    // Whoever started the tool may have ignored SIGPIPE (Python does); a closed pipe ends us
    // silently all the same.
    signal(SIGPIPE, SIG_DFL)
    openStandardDescriptors()
    // Builds the tables that handlers read now, not inside one.
    AtomicFile.removeAllTemporaries()
    _ = MappedFiles.name(at: nil)
    nameText = strdup(name)
    Interrupt.release()
    handleCutMappings()
  }

  /// The name for signal handlers.
  nonisolated(unsafe) private static var nameText: UnsafeMutablePointer<CChar>?

  /// A file that was cut while it is mapped ends reads of it by SIGBUS: that is said, as any other
  /// read that failed.
  private static func handleCutMappings() {
    var action = sigaction()
    let handler:
      @convention(c) (Int32, UnsafeMutablePointer<siginfo_t>?, UnsafeMutableRawPointer?)
        -> Void = { number, info, _ in
          #if canImport(Darwin)
            let address = info?.pointee.si_addr
          #else
            let address = info?.pointee._sifields._sigfault.si_addr
          #endif
          guard let file = MappedFiles.name(at: address) else {
            signal(number, SIG_DFL)  // comes again when this returns
            return
          }
          Process.put(Process.nameText)
          Process.put(": ")
          Process.put(file)
          Process.put(": read failed: the file was cut while it was read\n")
          AtomicFile.removeAllTemporaries()
          _exit(FailureKind.io.rawValue)
        }
    #if canImport(Darwin)
      action.__sigaction_u.__sa_sigaction = handler
    #elseif canImport(Musl)
      action.__sa_handler.sa_sigaction = handler
    #else
      action.__sigaction_handler.sa_sigaction = handler
    #endif
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
  }

  private static func put(_ text: UnsafePointer<CChar>?) {
    if let text { _ = write(STDERR_FILENO, text, strlen(text)) }
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
