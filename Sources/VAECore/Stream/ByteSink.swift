import SystemPackage

/// Bytes to a file or standard output, written in large pieces and always to the last byte.
///
/// When nobody reads the other end of a pipe, the process dies of SIGPIPE as any filter does; where
/// that signal is ignored, `write` throws `StreamError.brokenPipe`.
public final class ByteSink {
  /// The path, or `standard output`: what messages call it.
  public let name: String

  private let descriptor: FileDescriptor
  private let closes: Bool
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 4096)
  private var held = 0
  private var finished = false

  /// Standard output. Throws when it is closed.
  public convenience init(standardOutput: Void = ()) throws {
    let name = "standard output"
    guard FileDescriptor.standardOutput.isOpen else { throw StreamError.closed(name: name) }
    self.init(descriptor: .standardOutput, name: name, closes: false)
  }

  package init(descriptor: FileDescriptor, name: String, closes: Bool) {
    self.name = name
    self.descriptor = descriptor
    self.closes = closes
    descriptor.enlargePipe()
  }

  /// What was not flushed is lost: a sink dropped before `finish` belongs to a run that failed.
  deinit {
    if closes, !finished { try? descriptor.close() }
    buffer.deallocate()
  }

  public func write(_ bytes: UnsafeRawBufferPointer) throws {
    if bytes.count > buffer.count - held { try flush() }
    if bytes.count >= buffer.count {
      try writeThrough(bytes)
    } else {
      UnsafeMutableRawBufferPointer(rebasing: buffer[held...]).copyMemory(from: bytes)
      held += bytes.count
    }
  }

  public func write(_ bytes: [UInt8]) throws {
    try bytes.withUnsafeBytes { try write($0) }
  }

  /// Hands what is buffered to the system.
  public func flush() throws {
    let count = held
    held = 0
    try writeThrough(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
  }

  /// Flushes and closes; afterwards every byte has been accepted by the system. Standard output
  /// itself stays open, but is asked for the errors that only a close reports.
  public func finish() throws {
    guard !finished else { return }
    try flush()
    try check {
      finished = true
      try (closes ? descriptor : descriptor.duplicate()).close()
    }
  }

  private func writeThrough(_ bytes: UnsafeRawBufferPointer) throws {
    try check { try descriptor.writeAll(bytes) }
  }

  /// Does something with the descriptor; its errors become those of the sink.
  func check(_ body: () throws -> Void) throws {
    do {
      try body()
    } catch Errno.brokenPipe {
      throw StreamError.brokenPipe(name: name)
    } catch Errno.badFileDescriptor {
      throw StreamError.closed(name: name)
    } catch let error as Errno {
      throw StreamError.writeFailed(name: name, reason: error.description)
    }
  }
}
