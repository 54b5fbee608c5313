import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the system knows of an open file that the streams care for.
struct FileStatus {
  let isRegular: Bool
  let isDirectory: Bool
  let isPipe: Bool
  let size: Int

  init?(_ descriptor: FileDescriptor) {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Follows symbolic links.
  init?(path: String) {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    let type = status.st_mode & S_IFMT
    isRegular = type == S_IFREG
    isDirectory = type == S_IFDIR
    isPipe = type == S_IFIFO
    size = Int(status.st_size)
  }
}

extension FileDescriptor {
  /// Whether the process was started with this descriptor open.
  var isOpen: Bool { fcntl(rawValue, F_GETFD) != -1 }

  /// Asks for a pipe of a mebibyte, so that the two ends wait for each other less often.
  func enlargePipe() {
    #if os(Linux)
      let setPipeSize: Int32 = 1031  // F_SETPIPE_SZ, hidden behind _GNU_SOURCE
      if FileStatus(self)?.isPipe == true { _ = fcntl(rawValue, setPipeSize, Int32(1 << 20)) }
    #endif
  }

  /// One `read`, repeated when a signal interrupts it; waits on a descriptor someone else made
  /// non-blocking.
  func readSome(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      do {
        return try read(into: buffer)
      } catch Errno.wouldBlock {
        wait(for: Int16(POLLIN))
      }
    }
  }

  func writeAll(_ bytes: UnsafeRawBufferPointer) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      do {
        rest = rest.dropFirst(try write(UnsafeRawBufferPointer(rebasing: rest)))
      } catch Errno.wouldBlock {
        wait(for: Int16(POLLOUT))
      }
    }
  }

  /// fsync, where the file system has it.
  func synchronize() throws {
    while fsync(rawValue) != 0 {
      let error = Errno(rawValue: errno)
      if error == .invalidArgument || error == .notSupported { return }
      guard error == .interrupted else { throw error }
    }
  }

  private func wait(for events: Int16) {
    var request = pollfd(fd: rawValue, events: events, revents: 0)
    _ = poll(&request, 1, -1)
  }
}
