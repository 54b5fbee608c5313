import Dispatch
import Synchronization
import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct WorkerPoolTests {
  /// Phases as a step has them, back to back: each sees all that the one before it wrote.
  @Test(arguments: 1...8) func phasesFollowOneAnother(_ threads: Int) throws {
    let pool = try WorkerPool(workers: threads, running: threads)
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
    let pool = try WorkerPool(workers: 4, running: 4)
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
      let pools = try (1...4).map { try WorkerPool(workers: $0, running: $0) }
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

  /// Callers on several threads wait for each other.
  @Test func callersTakeTurns() throws {
    let pool = try WorkerPool(workers: 3, running: 3)
    let sum = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<200 {
        let done = Atomic<Int>(0)
        pool.run(tasks: 7) { task, _ in done.wrappingAdd(task, ordering: .relaxed) }
        sum.wrappingAdd(done.load(ordering: .relaxed), ordering: .relaxed)
      }
    }
    #expect(sum.load(ordering: .relaxed) == 4 * 200 * 21)
  }

  /// A worker that is given no processor holds nobody up for long.
  @Test func moreWorkersThanThreadsAreFine() throws {
    let pool = try WorkerPool(workers: 8, running: 1)
    let done = Atomic<Int>(0)
    pool.run(tasks: 20) { _, worker in
      #expect(worker == 0)
      done.wrappingAdd(1, ordering: .relaxed)
    }
    #expect(done.load(ordering: .relaxed) == 20)
    #expect(pool.count == 8)
  }
}

/// What a process may compute on, by folders like those of the system.
struct ProcessorsTests {
  private func threads(_ numbers: [Int], _ files: [String: String]) throws -> Int {
    try Streams.withTemporaryFolder { folder in
      for (path, text) in files {
        var parent = folder
        for part in path.split(separator: "/").dropLast() {
          parent += "/\(part)"
          mkdir(parent, 0o777)
        }
        try Streams.write(Array(text.utf8), to: folder + path)
      }
      return Processors(numbers, root: folder).threads
    }
  }

  @Test func oneForEachCore() throws {
    let siblings = Dictionary(
      uniqueKeysWithValues: (0..<8).map {
        (
          "/sys/devices/system/cpu/cpu\($0)/topology/thread_siblings_list",
          "\($0 % 4),\($0 % 4 + 4)\n"
        )
      })
    #expect(try threads(Array(0..<8), siblings) == 4)
    #expect(try threads([1, 5], siblings) == 1)
    #expect(try threads([1, 2], siblings) == 2)
    #expect(try threads([1, 2, 3], [:]) == 3)
    #expect(try threads([], [:]) == 1)
  }

  @Test(arguments: [
    ("200000 100000\n", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64),
    ("", 64), ("x y", 64), ("1e300 1", 64),
  ])
  func noMoreThanTheQuota(_ limit: String, _ expected: Int) throws {
    let all = Array(0..<64)
    // Version 2, its own group and one above it; a container, whose group is the root; version 1.
    for files in [
      ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/cpu.max": limit],
      ["/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": limit],
      ["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": limit],
    ] {
      #expect(try threads(all, files) == expected)
    }
    let parts = limit.split(separator: " ").map(String.init)
    guard parts.count == 2 else { return }
    #expect(
      try threads(
        all,
        [
          "/proc/self/cgroup": "4:cpu,cpuacct:/a\n1:memory:/b\n",
          "/sys/fs/cgroup/cpu/a/cpu.cfs_quota_us": parts[0] == "max" ? "-1" : parts[0],
          "/sys/fs/cgroup/cpu/a/cpu.cfs_period_us": parts[1],
        ]) == expected)
  }
}
