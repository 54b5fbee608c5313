#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A block of plain values that grows as they arrive.
///
/// It grows through `realloc`, which moves the pages of a large block instead of copying them, so
/// growing by doubling never holds the values twice.
package final class GrowableBuffer<Element: BitwiseCopyable> {
  package private(set) var base: UnsafeMutablePointer<Element>?
  package private(set) var capacity = 0
  /// Elements in use; the owner of the buffer keeps it.
  package var count = 0

  // Not inlined, so that the optimiser cannot put the object on the stack: where an error leaves a
  // function by several paths, Swift 6.3 hands such an object to the heap's deallocator.
  @inline(never)
  package init() {}

  deinit { free(base) }

  /// Makes room for `needed` elements in all; false when the system has no memory for them.
  package func reserve(_ needed: Int) -> Bool {
    guard needed > capacity else { return true }
    return resize(to: max(needed, capacity < Int.max / 2 ? capacity * 2 : capacity))
  }

  /// Gives back what is not in use.
  package func trim() {
    if count < capacity { _ = resize(to: max(count, 1)) }
  }

  private func resize(to elements: Int) -> Bool {
    let (bytes, overflow) = elements.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    guard !overflow, let block = realloc(base, bytes) else { return false }
    base = block.assumingMemoryBound(to: Element.self)
    capacity = elements
    return true
  }
}
