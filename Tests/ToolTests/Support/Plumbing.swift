import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The descriptors between the tests and a tool they start.
struct Plumbing {
  #if canImport(Darwin)
    private var actions: posix_spawn_file_actions_t?
  #else
    private var actions = posix_spawn_file_actions_t()
  #endif
  private var childEnds: [Int32] = []

  init() {
    posix_spawn_file_actions_init(&actions)
  }

  /// Makes `stream` the child's `descriptor`; returns our end of it, if it has one.
  mutating func connect(_ stream: Stream, as descriptor: Int32) throws -> Int32? {
    switch stream {
    case .pipe, .head:
      var ends: [Int32] = [0, 0]
      guard pipe(&ends) == 0 else { throw SpawnError(description: "pipe: \(errno)") }
      let child = descriptor == STDIN_FILENO ? ends[0] : ends[1]
      let own = descriptor == STDIN_FILENO ? ends[1] : ends[0]
      give(child, as: descriptor)
      closeOnExec(own)
      return own
    case .file(let path):
      let access = descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY
      let file = open(path, access)
      guard file >= 0 else { throw SpawnError(description: "open \(path): \(errno)") }
      give(file, as: descriptor)
      return nil
    case .terminal:
      var (master, end): (Int32, Int32) = (0, 0)
      guard openpty(&master, &end, nil, nil, nil) == 0 else {
        throw SpawnError(description: "no terminal: \(errno)")
      }
      give(end, as: descriptor)
      closeOnExec(master)
      return master
    case .closed:
      posix_spawn_file_actions_addclose(&actions, descriptor)
      return nil
    }
  }

  private mutating func give(_ own: Int32, as descriptor: Int32) {
    closeOnExec(own)
    posix_spawn_file_actions_adddup2(&actions, own, descriptor)
    childEnds.append(own)
  }

  private func closeOnExec(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
  }

  /// Starts the program and closes its ends of the streams.
  mutating func spawn(
    _ program: String, _ arguments: [String], environment: [String: String],
    ignoringBrokenPipes: Bool
  ) throws -> pid_t {
    defer {
      posix_spawn_file_actions_destroy(&actions)
      for end in childEnds { close(end) }
    }
    var environment = environment
    environment["PATH"] = environment["PATH"] ?? "/usr/bin:/bin"
    // Swift's runtime libraries, where they are not linked statically.
    environment["LD_LIBRARY_PATH"] = ProcessInfo.processInfo.environment["LD_LIBRARY_PATH"]
    let command = ([program] + arguments).map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for string in command + variables { free(string) } }

    #if canImport(Darwin)
      var attributes: posix_spawnattr_t?
    #else
      var attributes = posix_spawnattr_t()
    #endif
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The tests run on threads that block signals; a shell's children do not.
    var (none, defaults) = (sigset_t(), sigset_t())
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    sigemptyset(&defaults)
    if !ignoringBrokenPipes { sigaddset(&defaults, SIGPIPE) }
    posix_spawnattr_setsigdefault(&attributes, &defaults)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))
    var child: pid_t = 0
    let result = posix_spawn(&child, program, &actions, &attributes, command, variables)
    guard result == 0 else { throw SpawnError(description: "\(program): error \(result)") }
    return child
  }
}

/// Writes until all is written or nobody reads any more, then closes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) {
  bytes.withUnsafeBytes { bytes in
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
  }
  close(descriptor)
}

/// Reads to the end, or `limit` bytes, then closes.
func readAll(_ descriptor: Int32, limit: Int = .max) -> [UInt8] {
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  while bytes.count < limit {
    let count = read(descriptor, &buffer, min(buffer.count, limit - bytes.count))
    if count < 0 && errno == EINTR { continue }
    guard count > 0 else { break }
    bytes.append(contentsOf: buffer[..<count])
  }
  close(descriptor)
  return bytes
}
