import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A file of lines, each there for other programs as soon as it is written; `-` is standard output.
public final class LineFile {
  private let sink: ByteSink

  /// Makes the file, or empties it; to one that is `continued` lines are added, behind the last
  /// that is whole.
  ///
  /// - Throws: `StreamError` where it cannot be made.
  public init(path: String, continued: Bool = false) throws {
    if path == "-" {
      sink = try ByteSink(standardOutput: ())
      return
    }
    do {
      let file = try FileDescriptor.open(
        FilePath(system: path), continued ? .readWrite : .writeOnly,
        options: continued ? [.create, .closeOnExec] : [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
      sink = ByteSink(descriptor: file, name: path, closes: true)
      if continued { try file.seekBehindLastLine() }
    } catch let error as Errno {
      throw StreamError.cannotCreate(name: path, reason: error.description)
    }
  }

  package func write(_ line: String) throws {
    try sink.write(Array((line + "\n").utf8))
    try sink.flush()
  }

  /// Closes the file.
  package func finish() throws { try sink.finish() }
}

extension FileDescriptor {
  /// Cuts off what follows the last line end, which a run that was killed had not finished.
  fileprivate func seekBehindLastLine() throws {
    guard let status = FileStatus(self), status.isRegular else { return }
    var end = Int64(status.size)
    var piece = [UInt8](repeating: 0, count: 1 << 16)
    while end > 0 {
      let start = max(0, end - Int64(piece.count))
      let count = try piece.withUnsafeMutableBytes { bytes in
        try read(
          fromAbsoluteOffset: start,
          into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<Int(end - start)]))
      }
      if let last = piece[..<count].lastIndex(of: UInt8(ascii: "\n")) {
        end = start + Int64(last) + 1
        break
      }
      end = start
    }
    if end < status.size, ftruncate(rawValue, off_t(end)) != 0 { throw Errno(rawValue: errno) }
    try seek(offset: end, from: .start)
  }
}
