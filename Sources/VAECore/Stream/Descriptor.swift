import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which file a name stands for.
struct FileIdentity: Equatable {
  let device: UInt64
  let number: UInt64
}

/// What the system knows of an open file that the streams care for.
struct FileStatus {
  let isRegular: Bool
  let isDirectory: Bool
  let isPipe: Bool
  let size: Int
  let mode: mode_t
  let owner: (user: uid_t, group: gid_t)
  /// The file itself, whatever it is called.
  let identity: FileIdentity

  init?(_ descriptor: FileDescriptor) {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { return nil }
    self.init(status)
  }

  /// Follows symbolic links.
  init?(path: String) {
    var status = stat()
    guard path.withSystemText({ stat($0, &status) }) == 0 else { return nil }
    self.init(status)
  }

  private init(_ status: stat) {
    let type = status.st_mode & S_IFMT
    isRegular = type == S_IFREG
    isDirectory = type == S_IFDIR
    isPipe = type == S_IFIFO
    size = Int(status.st_size)
    mode = status.st_mode & 0o7777
    owner = (status.st_uid, status.st_gid)
    identity = FileIdentity(device: UInt64(status.st_dev), number: UInt64(status.st_ino))
  }
}

/// Whether two paths lead to one regular file, or would if it were made.
package func isSameFile(_ a: String, _ b: String) -> Bool {
  if a == "-" || b == "-" { return false }
  switch (FileStatus(path: a), FileStatus(path: b)) {
  case (let a?, let b?): return a.isRegular && a.identity == b.identity
  case (nil, nil):
    let (a, b) = (FilePath(system: followingLinks(a)), FilePath(system: followingLinks(b)))
    let folders = [a, b].map { path in
      path.folder.withPlatformString { FileStatus(path: String(system: $0))?.identity }
    }
    return a.lastComponent == b.lastComponent && folders[0] == folders[1]
  default: return false
  }
}

/// The file that a path leads to; where it does not exist, the one that its links say it would be.
func followingLinks(_ path: String) -> String {
  var path = path
  for _ in 0..<40 {
    var text = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = path.withSystemText { readlink($0, &text, text.count - 1) }
    guard count > 0 else { return path }
    let link = FilePath(system: String(system: text[..<count].map { UInt8(bitPattern: $0) }))
    path = FilePath(system: path).folder.pushing(link).withPlatformString { String(system: $0) }
  }
  return path
}

extension FilePath {
  /// The folder that holds it.
  var folder: FilePath {
    let folder = removingLastComponent()
    return folder.isEmpty ? "." : folder
  }

  /// A path as the system has it, whatever its bytes.
  package init(system path: String) {
    self = path.withSystemText { FilePath(platformString: $0) }
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
