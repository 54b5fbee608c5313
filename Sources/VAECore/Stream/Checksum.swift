import CZlib

/// CRC-32 as zip and gzip have it.
func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
  var sum: UInt = 0
  var rest = bytes[...]
  while !rest.isEmpty {
    let part = UnsafeRawBufferPointer(rebasing: rest.prefix(1 << 30))
    sum = crc32(sum, part.baseAddress?.assumingMemoryBound(to: UInt8.self), UInt32(part.count))
    rest = rest.dropFirst(part.count)
  }
  return UInt32(truncatingIfNeeded: sum)
}
