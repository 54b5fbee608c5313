import CKernels
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Work cut into `tasks` pieces whose order and placement do not matter. What a task computes must
/// depend on its number alone, so that results are the same bits for any number of workers.
public struct ParallelTasks {
  public let tasks: Int
  public let body: (_ task: Int, _ worker: Int) -> Void

  public init(tasks: Int, body: @escaping (_ task: Int, _ worker: Int) -> Void) {
    self.tasks = tasks
    self.body = body
  }
}

extension ParallelTasks {
  fileprivate nonisolated(unsafe) static let none = ParallelTasks(tasks: 0) { _, _ in }
}

/// Threads that run phases together. The calling thread is worker 0. Workers spin briefly between
/// phases, since the next one is usually microseconds away, then sleep.
///
/// One phase runs at a time: a caller waits for that of another thread. A task may not run a phase
/// of the pool that it runs on.
public final class WorkerPool: @unchecked Sendable {
  /// The number of workers, the caller included.
  public let count: Int

  private let state: State
  private var threads: [pthread_t] = []

  /// - Parameter threads: how many; nil is one for each core this process may use, and no more than
  ///   it is allowed the time of.
  /// - Throws: `ComputeError.noThread`.
  public convenience init(threads: Int? = nil) throws {
    let processors = Processors.ours
    try self.init(
      workers: max(1, threads ?? processors.threads), running: max(1, processors.numbers.count))
  }

  /// - Parameters:
  ///   - workers: how many there are by number.
  ///   - running: how many of them have a thread; more than processors would only wait for each
  ///     other, and results do not depend on it.
  package init(workers: Int, running: Int) throws {
    count = workers
    state = State()
    for worker in 1..<max(1, min(workers, running)) {
      let start = Unmanaged.passRetained(Start(state: state, worker: worker))
      #if os(Linux)
        var thread = pthread_t()
      #else
        var thread: pthread_t?
      #endif
      let code = pthread_create(&thread, nil, workerMain, start.toOpaque())
      guard code == 0, let started = Optional(thread) else {
        start.release()
        throw ComputeError.noThread(code: code)
      }
      self.threads.append(started)
    }
  }

  deinit {
    state.stop()
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Runs the phase's tasks on all workers; returns when the last has ended.
  package func run(_ phase: ParallelTasks) {
    guard !threads.isEmpty, phase.tasks > 1 else {
      for task in 0..<phase.tasks { phase.body(task, 0) }
      return
    }
    state.run(phase)
  }

  /// Runs `body(task, worker)` for each task; for work that is not repeated.
  package func run(tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    // The compiler keeps the length of the path of the file that this call is in: without a name given
    // here, builds in two folders would differ.
    #sourceLocation(file:"WorkerPool.run",line:1)
    withoutActuallyEscaping(body) { run(ParallelTasks(tasks: tasks, body: $0)) }
    #sourceLocation()
  }
}

/// The threads that a pool has when nobody says how many.
public func availableProcessors() -> Int { Processors.ours.threads }

/// What the workers share.
///
/// A phase is open while there are tasks to take. Workers join it if they come in time; the caller
/// closes it when no task is left and waits for those that joined. So nobody waits for a worker
/// that sleeps, or that the system gives no processor to.
private final class State: @unchecked Sendable {
  private var phase = ParallelTasks.none
  private let nextTask = Atomic<Int>(0)
  /// The phase's number in the upper half; in the lower whether it is open, and how many joined.
  private let gate = Atomic<UInt64>(0)
  private static let open: UInt64 = 1 << 31
  private let finished = Atomic<UInt64>(0)
  private let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private var pacing = Pacing()
  private let caller: UnsafeMutablePointer<pthread_mutex_t>
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>

  init() {
    caller = .allocate(capacity: 1)
    mutex = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    var checking = pthread_mutexattr_t()
    pthread_mutexattr_init(&checking)
    pthread_mutexattr_settype(&checking, Int32(PTHREAD_MUTEX_ERRORCHECK))
    pthread_mutex_init(caller, &checking)
    pthread_mutexattr_destroy(&checking)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    pthread_mutex_destroy(caller)
    wake.deallocate()
    mutex.deallocate()
    caller.deallocate()
  }

  func run(_ phase: ParallelTasks) {
    precondition(pthread_mutex_lock(caller) == 0, "a task runs a phase of its own pool")
    defer { pthread_mutex_unlock(caller) }
    let start = ContinuousClock.now
    guard !pacing.isAlone(at: start) else {
      for task in 0..<phase.tasks { phase.body(task, 0) }
      return
    }
    self.phase = phase
    nextTask.store(0, ordering: .relaxed)
    finished.store(0, ordering: .relaxed)
    publish(Self.open)
    let tasks = work(worker: 0)
    let joined = gate.bitwiseAnd(~Self.open, ordering: .sequentiallyConsistent).oldValue & 0xffff
    if finished.load(ordering: .acquiring) < joined {
      let end = ContinuousClock.now
      awaitWorkers(joined)
      pacing.waited(end.duration(to: .now), after: start.duration(to: end), tasks: tasks)
    }
    self.phase = .none  // whose closure may not outlive this call
  }

  func stop() {
    stopping.store(true, ordering: .relaxed)
    publish(0)
  }

  /// The life of a worker's thread.
  func serve(as worker: Int) {
    var seen: UInt64 = 0
    while true {
      seen = awaitPhase(after: seen)
      if stopping.load(ordering: .relaxed) { return }
      guard join(seen) else { continue }
      _ = work(worker: worker)
      finished.wrappingAdd(1, ordering: .releasing)
    }
  }

  private func publish(_ state: UInt64) {
    // Nobody joins a phase that is closed: the number is the caller's to change.
    let number = (gate.load(ordering: .relaxed) >> 32) &+ 1
    gate.store(number << 32 | state, ordering: .sequentiallyConsistent)
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }

  /// Whether the phase of that number is still open, and now waits for this worker.
  private func join(_ number: UInt64) -> Bool {
    var now = gate.load(ordering: .relaxed)
    while now >> 32 == number, now & Self.open != 0 {
      let (joined, before) = gate.weakCompareExchange(
        expected: now, desired: now + 1, ordering: .acquiring)
      if joined { return true }
      now = before
    }
    return false
  }

  /// Waits until the phase's number is no longer `seen`: some 50 µs of pauses, then asleep.
  private func awaitPhase(after seen: UInt64) -> UInt64 {
    for _ in 0..<2000 {
      let now = gate.load(ordering: .relaxed) >> 32
      if now != seen { return now }
      vt_pause()
    }
    pthread_mutex_lock(mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while gate.load(ordering: .sequentiallyConsistent) >> 32 == seen {
      pthread_cond_wait(wake, mutex)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
    return gate.load(ordering: .relaxed) >> 32
  }

  /// Takes tasks until there are none; returns how many.
  private func work(worker: Int) -> Int {
    let tasks = phase.tasks
    var taken = 0
    while true {
      let task = nextTask.wrappingAdd(1, ordering: .relaxed).oldValue
      guard task < tasks else { return taken }
      phase.body(task, worker)
      taken += 1
    }
  }

  /// The caller's wait: the others are at work, so it pauses, and yields when that takes long.
  private func awaitWorkers(_ joined: UInt64) {
    var turns = 0
    while finished.load(ordering: .acquiring) < joined {
      turns += 1
      if turns > 2000 { sched_yield() } else { vt_pause() }
    }
  }
}

/// When to do without the workers: where other processes keep the processors busy, a worker is
/// stopped in the middle of a task now and then, and the wait for it is longer than what it saves.
private struct Pacing {
  private static let shortest = Duration.milliseconds(10)
  private static let longest = Duration.milliseconds(160)

  private var aloneUntil: ContinuousClock.Instant?
  private var pause = shortest
  private var lastStall: ContinuousClock.Instant?

  mutating func isAlone(at now: ContinuousClock.Instant) -> Bool {
    guard let end = aloneUntil else { return false }
    if now < end { return true }
    aloneUntil = nil
    return false
  }

  /// Takes note of a wait, after so much work of the caller's own on so many tasks. Each worker may
  /// be about a task behind; who is much more so does not run.
  mutating func waited(_ wait: Duration, after work: Duration, tasks: Int) {
    guard wait > .microseconds(300), wait > work * 2 / max(tasks, 1) else { return }
    let now = ContinuousClock.now
    // Stalls that follow each other soon after a pause make the next one longer.
    let isNew = lastStall.map { $0.duration(to: now) > Self.longest * 4 } ?? true
    pause = isNew ? Self.shortest : min(pause * 2, Self.longest)
    lastStall = now
    aloneUntil = now + pause
  }
}

private final class Start {
  let state: State
  let worker: Int
  init(state: State, worker: Int) {
    self.state = state
    self.worker = worker
  }
}

private func workerMain(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let argument else { return nil }
  let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
  start.state.serve(as: start.worker)
  return nil
}
