#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The path of a file to be unlinked when it is dropped, or when the process ends: by `exit`, or by
/// a signal whose handler calls `removeAll`.
final class TemporaryPath {
  let path: String
  private let slot: Int?
  private var isOurs = true

  init(_ path: String) {
    self.path = path
    slot = PathTable.shared.insert(path)
  }

  deinit {
    if isOurs { _ = path.withSystemText { unlink($0) } }
    slot.map(PathTable.shared.clear)
  }

  /// Leaves the file alone, which is someone else's.
  func keep() { isOurs = false }

  static func removeAll() { unlinkAll() }
}

/// Set once, by the first temporary file. A plain global, not a lazy one: a signal handler reads it.
nonisolated(unsafe) private var temporaryPaths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
private let tableSize = 64

/// No lock and no allocation, for signal handlers.
private func unlinkAll() {
  guard let paths = temporaryPaths else { return }
  for slot in 0..<tableSize {
    if let path = paths[slot] { unlink(path) }
  }
}

/// Fills and clears the slots of `temporaryPaths`.
private final class PathTable: @unchecked Sendable {
  static let shared = PathTable()

  private let paths: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  private init() {
    paths = .allocate(capacity: tableSize)
    paths.initialize(repeating: nil, count: tableSize)
    mutex.initialize(to: pthread_mutex_t())
    pthread_mutex_init(mutex, nil)
    temporaryPaths = paths
    atexit(unlinkAll)
  }

  /// The slot taken; nil when all are, which only means that a signal leaves the file behind.
  func insert(_ path: String) -> Int? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard let slot = (0..<tableSize).first(where: { paths[$0] == nil }) else { return nil }
    paths[slot] = path.withSystemText { strdup($0) }
    return slot
  }

  func clear(_ slot: Int) {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    // The text is not freed: a signal handler may be looking at it.
    paths[slot] = nil
  }
}
