import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file that appears under its name whole and on the disk, or not at all.
///
/// The bytes go to a file without a name in the same folder; `commit` synchronises it, gives it a
/// name and renames that. Dropped without `commit`, or killed, it leaves nothing behind. Where the
/// system has no files without names, a hidden temporary one takes its place. A path that is not a
/// regular file (a device, a named pipe) is written to directly.
///
/// A file that is replaced keeps its mode and owner, and a symbolic link its place.
public final class AtomicFile {
  /// Where to write.
  public let sink: ByteSink
  private let descriptor: FileDescriptor
  private let target: String
  private enum Place {
    case direct
    case unnamed
    case named(TemporaryPath)
  }
  private let place: Place
  private var isClosed = false

  /// Throws when the folder is not there, nothing may be created in it, or what is there already
  /// may not be written to.
  public init(path: String) throws {
    guard !path.isEmpty, path.utf8.last != UInt8(ascii: "/") else {
      throw StreamError.cannotCreate(name: path, reason: "is a folder's name, expected a file's")
    }
    let status = FileStatus(path: path)
    if status?.isDirectory == true {
      throw StreamError.cannotCreate(name: path, reason: "is a directory")
    }
    do {
      let file: FileDescriptor
      if let status, !status.isRegular {
        file = try .open(FilePath(system: path), .writeOnly, options: .closeOnExec)
        (target, place) = (path, .direct)
      } else {
        target = followingLinks(path)
        let name = FilePath(system: target)
        if status != nil { try FileDescriptor.open(name, .writeOnly).close() }
        if let unnamed = try Self.openUnnamed(in: name.folder) {
          (file, place) = (unnamed, .unnamed)
        } else {
          let (named, path) = try Self.openNamed(beside: name)
          (file, place) = (named, .named(path))
        }
      }
      descriptor = file
      // Closed by commit, when it has its name.
      sink = ByteSink(descriptor: file, name: path, closes: false)
    } catch let error as Errno {
      throw StreamError.cannotCreate(name: path, reason: error.description)
    }
  }

  deinit { if !isClosed { try? descriptor.close() } }

  /// Makes the file appear: flush, fsync, rename, fsync of the folder.
  public func commit() throws {
    try sink.finish()
    if case .direct = place { return try sink.check(close) }
    try sink.check(descriptor.synchronize)
    do {
      if let replaced = FileStatus(path: target) { descriptor.take(after: replaced) }
      let temporary = try temporaryPath()
      try sink.check(close)
      let renamed = target.withSystemText { target in
        temporary.path.withSystemText { rename($0, target) }
      }
      guard renamed == 0 else { throw Errno(rawValue: errno) }
    } catch let error as Errno {
      throw StreamError.cannotCreate(name: sink.name, reason: error.description)
    }
    // The file is whole by now; some file systems cannot synchronise a folder.
    if let handle = try? FileDescriptor.open(FilePath(system: target).folder, .readOnly) {
      try? handle.synchronize()
      try? handle.close()
    }
  }

  private func close() throws {
    isClosed = true
    try descriptor.close()
  }

  /// Unlinks every temporary file there is. Safe to call from a signal handler.
  package static func removeAllTemporaries() { TemporaryPath.removeAll() }

  /// The name that is renamed; a file that has none gets it now.
  private func temporaryPath() throws -> TemporaryPath {
    if case .named(let path) = place { return path }
    while true {
      let path = TemporaryPath(hiddenName(beside: FilePath(system: target)))
      let linked = path.path.withSystemText {
        linkat(AT_FDCWD, Self.door(descriptor), AT_FDCWD, $0, AT_SYMLINK_FOLLOW)
      }
      if linked == 0 { return path }
      path.keep()
      guard errno == EEXIST else { throw Errno(rawValue: errno) }
    }
  }

  /// The name by which the system knows an open file.
  private static func door(_ descriptor: FileDescriptor) -> String {
    "/proc/self/fd/\(descriptor.rawValue)"
  }

  /// nil where the system, or the file system, has no such files.
  private static func openUnnamed(in folder: FilePath) throws -> FileDescriptor? {
    #if os(Linux)
      let unnamed = O_DIRECTORY | 0o20_000_000  // O_TMPFILE, hidden behind _GNU_SOURCE
      let file = folder.withPlatformString { open($0, unnamed | O_WRONLY | O_CLOEXEC, 0o666) }
      if file >= 0 {
        let descriptor = FileDescriptor(rawValue: file)
        if access(door(descriptor), F_OK) == 0 { return descriptor }
        try descriptor.close()
        return nil
      }
      let error = Errno(rawValue: errno)
      guard [.notSupported, .isDirectory, .invalidArgument].contains(error) else { throw error }
    #endif
    return nil
  }

  private static func openNamed(
    beside target: FilePath
  ) throws -> (FileDescriptor, TemporaryPath) {
    while true {
      let path = hiddenName(beside: target)
      do {
        let file = try FileDescriptor.open(
          FilePath(system: path), .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: FilePermissions(rawValue: 0o666))
        return (file, TemporaryPath(path))
      } catch Errno.fileExists {
        continue
      }
    }
  }
}

/// `.name.mark.tmp` in the target's folder, short enough for an entry whatever the target's length.
private func hiddenName(beside target: FilePath) -> String {
  let name = target.lastComponent.map { $0.withPlatformString { String(system: $0) } } ?? ""
  let mark = String(UInt32.random(in: 0x1000_0000...0xffff_ffff), radix: 16)
  let hidden = Array(".".utf8) + name.systemBytes.prefix(200) + Array(".\(mark).tmp".utf8)
  return target.folder.withPlatformString { String(system: $0) } + "/" + String(system: hidden)
}

extension FileDescriptor {
  /// Takes mode and owner from a file that is replaced, as far as that is allowed.
  fileprivate func take(after replaced: FileStatus) {
    _ = fchown(rawValue, replaced.owner.user, replaced.owner.group)
    _ = fchmod(rawValue, replaced.mode)
  }
}
