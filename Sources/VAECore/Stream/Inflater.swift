import CZlib

/// A gzip file taken apart as its bytes arrive: concatenated members, checksums, zero padding at
/// the end.
final class Inflater {
  private let name: String
  // zlib keeps the address of the stream, so it must not move.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 4096)
  private var betweenMembers = false
  private var ended = false

  /// `head` is what was read of the compressed bytes already.
  init(name: String, head: UnsafeRawBufferPointer) throws {
    self.name = name
    stream.initialize(to: z_stream())
    guard vt_inflate_init(stream, 15 + 16) == Z_OK, head.count <= input.count else {
      throw StreamError.outOfMemory(name: name)
    }
    input.copyMemory(from: head)
    stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_in = UInt32(head.count)
  }

  deinit {
    inflateEnd(stream)
    stream.deallocate()
    input.deallocate()
  }

  /// Fills some of `output`; 0 only at the end. `more` reads compressed bytes, 0 at their end.
  func inflateSome(
    into output: UnsafeMutableRawBufferPointer,
    more: (UnsafeMutableRawBufferPointer) throws -> Int
  ) throws -> Int {
    let room = UInt32(clamping: output.count)
    stream.pointee.next_out = output.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = room
    while stream.pointee.avail_out == room, !ended {
      if stream.pointee.avail_in == 0 {
        let count = try more(input)
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
        stream.pointee.avail_in = UInt32(count)
        if count == 0 {
          guard betweenMembers else { throw StreamError.gzipEndsEarly(name: name) }
          ended = true
        }
      }
      if betweenMembers {
        try startNextMember()
      } else {
        try step()
      }
    }
    return Int(room - stream.pointee.avail_out)
  }

  private func step() throws {
    switch inflate(stream, Z_NO_FLUSH) {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: betweenMembers = true
    case Z_MEM_ERROR: throw StreamError.outOfMemory(name: name)
    case Z_NEED_DICT: throw StreamError.gzipCorrupt(name: name, detail: "needs a dictionary")
    default:
      let detail = stream.pointee.msg.map { String(cString: $0) } ?? "invalid data"
      throw StreamError.gzipCorrupt(name: name, detail: detail)
    }
  }

  /// Skips zero padding; anything else must be another member.
  private func startNextMember() throws {
    while stream.pointee.avail_in > 0 {
      if stream.pointee.next_in.pointee == 0x1f {
        inflateReset(stream)
        betweenMembers = false
        return
      }
      guard stream.pointee.next_in.pointee == 0 else {
        throw StreamError.gzipCorrupt(name: name, detail: "garbage after the last member")
      }
      stream.pointee.next_in += 1
      stream.pointee.avail_in -= 1
    }
  }
}
