#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Files that are mapped into memory. One that is cut meanwhile ends the process by SIGBUS where
/// its bytes are gone; a signal handler can ask here which it was.
package enum MappedFiles {
  private static let size = 16
  /// Set once. A signal handler reads it.
  nonisolated(unsafe) private static let entries = {
    let entries = UnsafeMutablePointer<Entry>.allocate(capacity: size)
    entries.initialize(repeating: Entry(), count: size)
    return entries
  }()
  private struct Entry {
    var base: UnsafeMutableRawPointer?
    var length = 0
    var name: UnsafeMutablePointer<CChar>?
  }

  /// Takes note of a mapping; those beyond the first few go without a name.
  static func add(_ base: UnsafeMutableRawPointer, length: Int, name: String) {
    guard let free = (0..<size).first(where: { entries[$0].base == nil }) else { return }
    entries[free] = Entry(base: nil, length: length, name: name.withSystemText { strdup($0) })
    entries[free].base = base
  }

  static func remove(_ base: UnsafeMutableRawPointer) {
    // The name is not freed: a signal handler may be looking at it.
    for index in 0..<size where entries[index].base == base { entries[index].base = nil }
  }

  /// The name of the file that is mapped at an address. No lock and no allocation, for signal
  /// handlers.
  package static func name(at address: UnsafeMutableRawPointer?) -> UnsafePointer<CChar>? {
    guard let address else { return nil }
    for index in 0..<size {
      let entry = entries[index]
      if let base = entry.base, base <= address, address < base + entry.length {
        return entry.name.map { UnsafePointer($0) }
      }
    }
    return nil
  }
}
