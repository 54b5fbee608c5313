import Synchronization
import Testing
import VAECore

struct WorkerPoolTests {
  /// Phases as a step has them, back to back: each sees all that the one before it wrote.
  @Test(arguments: 1...8) func phasesFollowOneAnother(_ threads: Int) throws {
    let pool = try WorkerPool(threads: threads)
    let values = try AlignedBuffer<Int>(count: 13)
    let sums = try AlignedBuffer<Int>(count: 3)
    let phases = [
      ParallelTasks(tasks: 13) { task, _ in values.base[task] += task },
      ParallelTasks(tasks: 3) { task, _ in sums.base[task] = values.buffer.reduce(0, +) },
      ParallelTasks(tasks: 1) { _, _ in values.base[0] += sums.base[2] - sums.base[0] },
    ]
    for round in 1...400 {
      for phase in phases { pool.run(phase) }
      let expected = round * 78
      guard sums.buffer.allSatisfy({ $0 == expected }) else {
        Issue.record("round \(round): \(Array(sums.buffer)), expected \(expected)")
        return
      }
    }
  }

  /// Workers that went to sleep wake up.
  @Test func workAfterARestIsDone() throws {
    let pool = try WorkerPool(threads: 4)
    let clock = ContinuousClock()
    let done = Atomic<Int>(0)
    for _ in 0..<20 {
      pool.run(tasks: 8) { _, _ in done.wrappingAdd(1, ordering: .relaxed) }
      let start = clock.now
      while clock.now - start < .milliseconds(3) {}
    }
    #expect(done.load(ordering: .relaxed) == 160)
  }

  @Test func poolsLiveSideBySideAndEnd() throws {
    for _ in 0..<20 {
      let pools = try (1...4).map { try WorkerPool(threads: $0) }
      let done = Atomic<Int>(0)
      for pool in pools {
        pool.run(tasks: 10) { _, _ in done.wrappingAdd(1, ordering: .relaxed) }
      }
      #expect(done.load(ordering: .relaxed) == 40)
    }
  }

  @Test func thereIsAWorkerForEachProcessor() throws {
    #expect(availableProcessors() >= 1)
    #expect(try WorkerPool().count == availableProcessors())
    #expect(try WorkerPool(threads: 0).count == 1)
  }
}
