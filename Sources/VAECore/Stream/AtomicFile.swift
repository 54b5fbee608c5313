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
/// The bytes go to a hidden temporary file in the same folder; `commit` synchronises and renames
/// it. Dropped without `commit`, it leaves nothing behind. A path that is not a regular file (a
/// device, a named pipe) is written to directly.
public final class AtomicFile {
  /// Where to write.
  public let sink: ByteSink
  private let target: String
  /// nil when the target is written directly.
  private let temporary: TemporaryPath?

  /// Throws when the folder is not there or nothing may be created in it.
  public init(path: String) throws {
    let status = FileStatus(path: path)
    if status?.isDirectory == true {
      throw StreamError.cannotCreate(name: path, reason: "is a directory")
    }
    do {
      if let status, !status.isRegular {
        let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: .closeOnExec)
        sink = ByteSink(descriptor: file, name: path, closes: true)
        target = path
        temporary = nil
      } else {
        target = status == nil ? path : resolvingLinks(path)
        let (file, place) = try Self.open(beside: FilePath(target))
        sink = ByteSink(descriptor: file, name: path, closes: true)
        temporary = place
      }
    } catch let error as Errno {
      throw StreamError.cannotCreate(name: path, reason: error.description)
    }
  }

  /// Makes the file appear: flush, fsync, rename, fsync of the folder.
  public func commit() throws {
    guard let temporary else { return try sink.finish() }
    try sink.finish(synchronizing: true)
    guard rename(temporary.path, target) == 0 else {
      throw StreamError.cannotCreate(name: sink.name, reason: Errno(rawValue: errno).description)
    }
    // The file is whole by now; some file systems cannot synchronise a folder.
    let folder = FilePath(target).removingLastComponent()
    if let handle = try? FileDescriptor.open(folder.isEmpty ? "." : folder, .readOnly) {
      try? handle.synchronize()
      try? handle.close()
    }
  }

  /// Unlinks every temporary file there is. Safe to call from a signal handler.
  package static func removeAllTemporaries() { TemporaryPath.removeAll() }

  private static func open(beside target: FilePath) throws -> (FileDescriptor, TemporaryPath) {
    let name = target.lastComponent?.string ?? ""
    while true {
      let mark = String(UInt32.random(in: 0x1000_0000...0xffff_ffff), radix: 16)
      // Short enough for a folder entry, whatever the target's own length.
      let hidden = "." + String(decoding: name.utf8.prefix(200), as: UTF8.self) + ".\(mark).tmp"
      let path = target.removingLastComponent().appending(hidden)
      do {
        let file = try FileDescriptor.open(
          path, .writeOnly, options: [.create, .exclusiveCreate, .closeOnExec],
          permissions: FilePermissions(rawValue: 0o666))
        return (file, TemporaryPath(path.string))
      } catch Errno.fileExists {
        continue
      }
    }
  }
}

private func resolvingLinks(_ path: String) -> String {
  guard let resolved = realpath(path, nil) else { return path }
  defer { free(resolved) }
  return String(cString: resolved)
}
