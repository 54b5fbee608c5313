#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Zero-filled memory of `count` elements on a cache-line boundary, freed with the object.
package final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
  package let base: UnsafeMutablePointer<Element>
  package let count: Int

  /// - Throws: `ComputeError.outOfMemory`.
  package init(count: Int) throws {
    let (bytes, overflow) = max(count, 1).multipliedReportingOverflow(
      by: MemoryLayout<Element>.stride)
    var memory: UnsafeMutableRawPointer?
    guard !overflow, posix_memalign(&memory, 64, (bytes + 63) & ~63) == 0, let memory else {
      throw ComputeError.outOfMemory(bytes: overflow ? Int.max : bytes)
    }
    memset(memory, 0, bytes)
    base = memory.bindMemory(to: Element.self, capacity: max(count, 1))
    self.count = count
  }

  deinit { free(base) }

  package var buffer: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: base, count: count)
  }
}
