#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A thread that does one thing at a time beside the caller: reads the next rows, writes the last.
package final class BackgroundTask {
  private let state: State
  private var thread: pthread_t?
  private var isAbandoned = false

  /// - Throws: `ComputeError.noThread`.
  package init() throws {
    let state = State()
    self.state = state
    #if os(Linux)
      var started = pthread_t()
    #else
      var started: pthread_t?
    #endif
    let argument = Unmanaged.passRetained(state)
    let code = pthread_create(&started, nil, backgroundMain, argument.toOpaque())
    guard code == 0 else {
      argument.release()
      throw ComputeError.noThread(code: code)
    }
    thread = started
  }

  deinit {
    if !isAbandoned { state.wait() }
    state.submit(nil)
    if let thread { pthread_join(thread, nil) }
  }

  /// Whether nothing is under way.
  package var isDone: Bool { state.isDone }

  /// Leaves the thread to itself: it ends after the work that is under way, which owns all that it
  /// uses. Nothing can be begun after.
  package func abandon() {
    guard !isDone, let thread else { return }
    isAbandoned = true
    pthread_detach(thread)
    self.thread = nil
  }

  /// Begins `work`, once what was begun before has ended.
  ///
  /// - Throws: what the work before threw.
  package func begin(_ work: @escaping () throws -> Void) throws {
    try finish()
    state.submit(work)
  }

  /// Waits for the work to end.
  ///
  /// - Throws: what it threw.
  package func finish() throws {
    state.wait()
    if let error = state.takeError() { throw error }
  }
}

private final class State: @unchecked Sendable {
  private enum Slot {
    case empty
    case work(() throws -> Void)
    case running
    case stop
  }

  private var slot = Slot.empty
  private var error: (any Error)?
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let changed: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(mutex)
    changed.deallocate()
    mutex.deallocate()
  }

  /// Hands work over, or nil to end the thread.
  func submit(_ work: (() throws -> Void)?) {
    locked { slot = work.map { .work($0) } ?? .stop }
  }

  var isDone: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    switch slot {
    case .empty, .stop: return true
    case .work, .running: return false
    }
  }

  func wait() {
    pthread_mutex_lock(mutex)
    while true {
      switch slot {
      case .empty, .stop:
        pthread_mutex_unlock(mutex)
        return
      case .work, .running:
        pthread_cond_wait(changed, mutex)
      }
    }
  }

  func takeError() -> (any Error)? {
    defer { error = nil }
    return error
  }

  /// The thread's life.
  func loop() {
    while let failure = runNext() {
      locked {
        error = failure.error
        if case .running = slot { slot = .empty }
      }
    }
  }

  /// Runs what comes next, and keeps no hold of it; nil at the end.
  private func runNext() -> (error: (any Error)?, Void)? {
    guard let work = next() else { return nil }
    do {
      try work()
      return (nil, ())
    } catch {
      return (error, ())
    }
  }

  private func next() -> (() throws -> Void)? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {
      switch slot {
      case .work(let work):
        slot = .running
        return work
      case .stop: return nil
      case .empty, .running: pthread_cond_wait(changed, mutex)
      }
    }
  }

  private func locked(_ body: () -> Void) {
    pthread_mutex_lock(mutex)
    body()
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(mutex)
  }
}

private func backgroundMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  Unmanaged<State>.fromOpaque(argument).takeRetainedValue().loop()
  return nil
}
