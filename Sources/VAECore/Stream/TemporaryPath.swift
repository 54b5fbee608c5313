#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The path of a file to be unlinked when it is dropped, or when a signal ends the process: the
/// paths stand in a fixed table of C strings that a signal handler can walk.
final class TemporaryPath {
  let path: String
  private var slot: Int?

  init(_ path: String) {
    self.path = path
    slot = table.insert(path)
  }

  deinit {
    guard let slot else { return }
    unlink(path)
    table.remove(slot)
  }

  /// The file has its final name: there is nothing to unlink any more.
  func forget() {
    if let slot { table.remove(slot) }
    slot = nil
  }

  static func removeAll() { table.unlinkAll() }
}

private let table = PathTable()

private final class PathTable: @unchecked Sendable {
  private let capacity = 64
  private let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    paths = .allocate(capacity: capacity)
    paths.initialize(repeating: nil, count: capacity)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
  }

  /// The slot taken. A full table only means that a signal leaves the file behind: the slot is -1.
  func insert(_ path: String) -> Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard let slot = (0..<capacity).first(where: { paths[$0] == nil }) else { return -1 }
    paths[slot] = strdup(path)
    return slot
  }

  func remove(_ slot: Int) {
    guard slot >= 0 else { return }
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    // Not freed: a signal handler may be looking at it.
    paths[slot] = nil
  }

  /// No lock and no allocation: a signal handler runs this.
  func unlinkAll() {
    for slot in 0..<capacity {
      if let path = paths[slot] { unlink(path) }
    }
  }
}
