import SystemPackage

/// Bytes from a file, standard input or memory, read in large pieces; gzip is undone on the way.
public final class ByteSource {
  /// The path, or `standard input`: what messages call it.
  public let name: String
  /// Bytes taken so far, after any decompression.
  public private(set) var position = 0

  let descriptor: FileDescriptor?
  private let closes: Bool
  private var memory: ArraySlice<UInt8>
  private let pieceSize: Int
  private var inflater: Inflater?
  private var started = false
  /// Whether bytes that begin as gzip does are taken for it. Set before anything is read.
  package var undoesGzip = true
  private let block = Block(byteCount: 1 << 18)
  private var buffer: UnsafeMutableRawBufferPointer { block.bytes }
  private var held = 0..<0

  /// Standard input. Throws when it is closed.
  public convenience init(standardInput: Void = ()) throws {
    let name = "standard input"
    guard FileDescriptor.standardInput.isOpen else { throw StreamError.closed(name: name) }
    try self.init(descriptor: .standardInput, name: name, closes: false)
  }

  /// The file at `path`. Throws when it is not there, is a directory or may not be read.
  public convenience init(path: String) throws {
    do {
      let file = try FileDescriptor.open(FilePath(system: path), .readOnly, options: .closeOnExec)
      try self.init(descriptor: file, name: path, closes: true)
    } catch Errno.noSuchFileOrDirectory, Errno.notDirectory {
      throw StreamError.notFound(name: path)
    } catch let error as Errno {
      throw StreamError.notReadable(name: path, reason: error.description)
    }
  }

  /// Bytes that are in memory already, handed on `pieceSize` at a time, as a slow pipe would.
  package init(bytes: [UInt8], name: String, pieceSize: Int = .max) {
    self.name = name
    descriptor = nil
    closes = false
    memory = bytes[...]
    self.pieceSize = pieceSize
  }

  package init(descriptor: FileDescriptor, name: String, closes: Bool) throws {
    self.name = name
    self.descriptor = descriptor
    self.closes = closes
    memory = []
    pieceSize = .max
    if FileStatus(descriptor)?.isDirectory == true { throw StreamError.isDirectory(name: name) }
    descriptor.enlargePipe()
  }

  deinit {
    if closes { try? descriptor?.close() }
  }

  /// The size of a file whose bytes are the stream's own: regular and not compressed.
  var plainFileSize: Int? {
    guard inflater == nil, let descriptor, let status = FileStatus(descriptor), status.isRegular
    else { return nil }
    return status.size
  }

  /// The bytes of a regular file from where it stands, as long as nothing was read.
  var bytesAhead: Int? {
    guard !started, let size = plainFileSize, let descriptor,
      let start = try? descriptor.seek(offset: 0, from: .current)
    else { return nil }
    return max(0, size - Int(start))
  }

  /// Fills `output` as far as the bytes go; fewer only at the end.
  public func read(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    var filled = 0
    while filled < output.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: output[filled...])
      if !held.isEmpty {
        let count = min(held.count, rest.count)
        rest.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[held.prefix(count)]))
        held = (held.lowerBound + count)..<held.upperBound
        filled += count
      } else if started, rest.count >= 1 << 16 {
        // Large pieces need no stop in the buffer.
        let count = try next(into: rest)
        if count == 0 { break }
        filled += count
      } else if try !fill() {
        break
      }
    }
    position += filled
    return filled
  }

  /// The next `count` bytes, which stay unread; fewer only at the end. At most 256 KiB.
  public func peek(_ count: Int) throws -> [UInt8] {
    precondition(count <= buffer.count)
    while held.count < count, try fill() {}
    return [UInt8](buffer[held.prefix(count)])
  }

  /// Reads `count` bytes, fewer only at the end. For headers: at most 256 KiB.
  func take(_ count: Int) throws -> [UInt8] {
    let bytes = try peek(count)
    held = (held.lowerBound + bytes.count)..<held.upperBound
    position += bytes.count
    return bytes
  }

  /// Reads up to `limit` bytes, fewer only at the end, into memory that grows as they arrive.
  func readGrowing(limit: Int) throws -> GrowableBuffer<UInt8> {
    let result = GrowableBuffer<UInt8>()
    while result.count < limit {
      let piece = min(limit - result.count, max(result.count, buffer.count))
      guard result.reserve(result.count + piece), let base = result.base else {
        throw StreamError.outOfMemory(name: name)
      }
      let count = try read(into: .init(start: base + result.count, count: piece))
      result.count += count
      if count < piece { break }
    }
    return result
  }

  /// Passes over `count` bytes, fewer only at the end, without reading those of a plain file.
  /// Returns the number.
  func skip(_ count: Int) throws -> Int {
    var left = count
    while left > 0 {
      if held.isEmpty, left > buffer.count, let size = plainFileSize, let descriptor {
        do {
          let next = Int(try descriptor.seek(offset: 0, from: .current))
          let step = min(left, max(0, size - next))
          try descriptor.seek(offset: Int64(step), from: .current)
          left -= step
          if step == 0 { break }
          continue
        } catch let error as Errno {
          throw StreamError.readFailed(name: name, reason: error.description)
        }
      }
      guard try !held.isEmpty || fill() else { break }
      let step = min(left, held.count)
      held = (held.lowerBound + step)..<held.upperBound
      left -= step
    }
    position += count - left
    return count - left
  }

  /// Puts more bytes behind those held; false at the end.
  private func fill() throws -> Bool {
    if held.isEmpty {
      held = 0..<0
    } else if held.lowerBound > 0 {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[held]))
      held = 0..<held.count
    }
    if !started {
      try start()
      if !held.isEmpty { return true }
    }
    let room = UnsafeMutableRawBufferPointer(rebasing: buffer[held.upperBound...])
    let count = try next(into: room)
    held = held.lowerBound..<(held.upperBound + count)
    return count > 0
  }

  /// Looks at the first two bytes for the mark of gzip.
  private func start() throws {
    started = true
    var count = 0
    while count < 2 {
      let more = try readRaw(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
      if more == 0 { break }
      count += more
    }
    if undoesGzip, count >= 2, buffer[0] == 0x1f, buffer[1] == 0x8b {
      inflater = try Inflater(
        name: name, head: UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    } else {
      held = 0..<count
    }
  }

  private func next(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    if let inflater {
      try inflater.inflateSome(into: output, more: readRaw)
    } else {
      try readRaw(into: output)
    }
  }

  private func readRaw(into output: UnsafeMutableRawBufferPointer) throws -> Int {
    guard let descriptor else {
      let count = min(memory.count, output.count, pieceSize)
      output.copyBytes(from: memory.prefix(count))
      memory = memory.dropFirst(count)
      return count
    }
    do {
      return try descriptor.readSome(into: output)
    } catch Errno.badFileDescriptor {
      throw StreamError.closed(name: name)
    } catch Errno.isDirectory {
      throw StreamError.isDirectory(name: name)
    } catch let error as Errno {
      throw StreamError.readFailed(name: name, reason: error.description)
    }
  }
}

extension Range<Int> {
  fileprivate func prefix(_ count: Int) -> Range<Int> {
    lowerBound..<Swift.min(upperBound, lowerBound + count)
  }
}
