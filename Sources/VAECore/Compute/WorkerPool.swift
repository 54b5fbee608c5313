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
public final class WorkerPool: @unchecked Sendable {
  /// The number of workers, the caller included.
  public let count: Int

  private let state: State
  private var threads: [pthread_t] = []

  /// - Parameter threads: how many; nil is one for each processor this process may use.
  /// - Throws: `ComputeError.noThread`.
  public init(threads: Int? = nil) throws {
    count = max(1, threads ?? availableProcessors())
    state = State()
    for worker in 1..<count {
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
    state.publish(stop: true)
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Runs the phase's tasks on all workers; returns when the last has ended.
  package func run(_ phase: ParallelTasks) {
    guard count > 1, phase.tasks > 1 else {
      for task in 0..<phase.tasks { phase.body(task, 0) }
      return
    }
    state.phase = phase
    state.nextTask.store(0, ordering: .relaxed)
    state.running.store(count - 1, ordering: .relaxed)
    state.publish(stop: false)
    state.work(worker: 0)
    state.awaitWorkers()
    state.phase = .none  // whose closure may not outlive this call
  }

  /// Runs `body(task, worker)` for each task; for work that is not repeated.
  package func run(tasks: Int, _ body: (_ task: Int, _ worker: Int) -> Void) {
    withoutActuallyEscaping(body) { run(ParallelTasks(tasks: tasks, body: $0)) }
  }
}

/// The processors this process may run on.
public func availableProcessors() -> Int {
  Int(vt_processors())
}

/// What the workers share. `generation` moves when a phase is there to be run.
private final class State: @unchecked Sendable {
  var phase = ParallelTasks.none
  let nextTask = Atomic<Int>(0)
  let running = Atomic<Int>(0)
  let generation = Atomic<UInt>(0)
  let stopping = Atomic<Bool>(false)
  private let sleepers = Atomic<Int>(0)
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let wake: UnsafeMutablePointer<pthread_cond_t>

  init() {
    mutex = .allocate(capacity: 1)
    wake = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(wake, nil)
  }

  deinit {
    pthread_cond_destroy(wake)
    pthread_mutex_destroy(mutex)
    wake.deallocate()
    mutex.deallocate()
  }

  func publish(stop: Bool) {
    if stop { stopping.store(true, ordering: .relaxed) }
    generation.wrappingAdd(1, ordering: .sequentiallyConsistent)
    guard sleepers.load(ordering: .sequentiallyConsistent) > 0 else { return }
    pthread_mutex_lock(mutex)
    pthread_cond_broadcast(wake)
    pthread_mutex_unlock(mutex)
  }

  /// Waits until `generation` is no longer `seen`: about 50 µs of spinning, then asleep.
  func awaitPhase(after seen: UInt) -> UInt {
    for _ in 0..<2000 {
      let now = generation.load(ordering: .acquiring)
      if now != seen { return now }
      vt_pause()
    }
    pthread_mutex_lock(mutex)
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while generation.load(ordering: .sequentiallyConsistent) == seen {
      pthread_cond_wait(wake, mutex)
    }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    pthread_mutex_unlock(mutex)
    return generation.load(ordering: .acquiring)
  }

  func work(worker: Int) {
    let tasks = phase.tasks
    while true {
      let task = nextTask.wrappingAdd(1, ordering: .relaxed).oldValue
      guard task < tasks else { return }
      phase.body(task, worker)
    }
  }

  /// The caller's wait: the others are at work, so it spins, and yields when that takes long.
  func awaitWorkers() {
    var turns = 0
    while running.load(ordering: .acquiring) > 0 {
      turns += 1
      if turns > 2000 { sched_yield() } else { vt_pause() }
    }
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
  let state = start.state
  var seen: UInt = 0
  while true {
    seen = state.awaitPhase(after: seen)
    if state.stopping.load(ordering: .relaxed) { return nil }
    state.work(worker: start.worker)
    state.running.wrappingSubtract(1, ordering: .releasing)
  }
}
