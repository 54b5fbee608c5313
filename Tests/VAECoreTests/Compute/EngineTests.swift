import Synchronization
import Testing
import VAECore

struct EngineTests {
  @Test(arguments: [1, 2, 3, 8])
  func everyTaskRunsOnce(_ threads: Int) throws {
    let pool = try WorkerPool(threads: threads)
    #expect(pool.count == threads)
    for tasks in [0, 1, 2, 7, 100] {
      let counts = try AlignedBuffer<Int>(count: max(tasks, 1))
      for _ in 0..<50 {
        pool.run(tasks: tasks) { task, worker in
          precondition(worker < threads)
          counts.base[task] += 1
        }
      }
      #expect((0..<tasks).allSatisfy { counts.base[$0] == 50 })
    }
  }

  @Test(arguments: [(1, 1, 1), (5, 3, 2), (64, 40, 400), (7, 33, 17)], [false, true])
  func multiplicationsAreProducts(_ shape: (Int, Int, Int), transposed: Bool) throws {
    let (m, n, k) = shape
    let a = KernelTests.values(m * k, scale: 1)
    let b = KernelTests.values(k * n + 5, scale: 1).suffix(k * n).map { $0 }
    let bias = KernelTests.values(n, scale: 1)
    var c = [Float](repeating: 0, count: m * n)
    let matmul = try Matmul(
      m: m, n: n, k: k, a: .init(row: k), b: transposed ? .transposed(row: k) : .init(row: n),
      c: n, input: .f32, bias: true, relu: true, workers: 1)
    matmul.run(a: a, b: b, c: &c, bias: bias, worker: 0)
    var expected: [Double] = []
    for i in 0..<m {
      for j in 0..<n {
        let sum = (0..<k).reduce(Double(bias[j])) {
          $0 + Double(a[i * k + $1]) * Double(transposed ? b[j * k + $1] : b[$1 * n + j])
        }
        expected.append(max(sum, 0))
      }
    }
    // k products of numbers of order 1, each rounded by 6e-8 of the sum so far.
    expectClose(c, expected, relative: 1e-6, absolute: 1e-6 * Double(k), "product")
  }

  @Test func backgroundWorkThrowsWhereItIsWaitedFor() throws {
    struct Fault: Error {}
    let task = try BackgroundTask()
    try task.begin { throw Fault() }
    #expect(throws: Fault.self) { try task.finish() }
    let done = Atomic<Int>(0)
    for _ in 0..<100 { try task.begin { done.wrappingAdd(1, ordering: .relaxed) } }
    try task.finish()
    #expect(done.load(ordering: .relaxed) == 100)
  }
}
