/// Memory of a fixed size, freed with the object, also where the initialiser of its owner throws.
final class Block {
  let bytes: UnsafeMutableRawBufferPointer

  // Not inlined: see GrowableBuffer.
  @inline(never)
  init(byteCount: Int) { bytes = .allocate(byteCount: byteCount, alignment: 4096) }

  deinit { bytes.deallocate() }
}
