import CKernels

/// Rows of a store, or rows that were computed.
struct RowMatrix {
  let name: String
  let rows: Int
  let width: Int
  /// u1, each standing for value/255, or f4.
  var bytes: UnsafePointer<UInt8>?
  var floats: UnsafePointer<Float>?

  init(_ store: RowStore) {
    (name, rows, width) = (store.name, store.rows, store.rowSize)
    (bytes, floats) = (store.bytes, store.floats)
  }

  init(_ values: UnsafePointer<Float>, rows: Int, width: Int, name: String) {
    (self.name, self.rows, self.width) = (name, rows, width)
    floats = values
  }

  /// Copies rows as f4.
  func copy(_ first: Int, count: Int, into to: UnsafeMutablePointer<Float>) {
    if let bytes {
      vt_f32_from_u8(to, bytes + first * width, count * width)
    } else if let floats {
      to.update(from: floats + first * width, count: count * width)
    }
  }
}

/// −Σ ln p(label | row) of softmax(W·x + b) over many rows, and its gradient by W and b.
///
/// Products run in f32 over blocks of rows, sums over blocks in Double. The rows are cut into tasks
/// by their number alone, so that the sums are the same bits for any number of workers.
final class CrossEntropy {
  let x: RowMatrix
  let classes: Int
  private let labels: [UInt32]
  private let pool: WorkerPool
  private let block: Int
  private let blocksPerTask: Int
  private let tasks: Int
  private let logits: Matmul
  private let gradient: Matmul
  private let weights: AlignedBuffer<Float>
  private let bias: AlignedBuffer<Float>
  private let memory: [Memory]
  /// For each task [∂W | ∂b | loss].
  private let partial: AlignedBuffer<Double>
  /// For each task [Σx | Σx²].
  private let moments: AlignedBuffer<Double>

  /// One worker's.
  private struct Memory {
    let rows: Matrix
    let probabilities: Matrix
    let delta: Matrix
    let gradient: Matrix
    let losses: AlignedBuffer<Double>
  }

  /// - Throws: `ComputeError`.
  init(_ x: RowMatrix, labels: [UInt32], classes: Int, pool: WorkerPool) throws {
    self.x = x
    self.classes = classes
    self.labels = labels
    self.pool = pool
    let d = x.width
    // About 256 KB of rows, which stay in a second-level cache between the two products.
    let block = min(max(64, (1 << 16) / d), 512)
    let blocks = (x.rows + block - 1) / block
    let size = classes * d + classes + 1
    let most = max(1, min(64, (1 << 23) / size))
    blocksPerTask = (blocks + most - 1) / most
    tasks = (blocks + blocksPerTask - 1) / blocksPerTask
    self.block = block
    let workers = pool.count
    logits = try Matmul(
      m: block, n: classes, k: d, a: .init(row: d), b: .transposed(row: d), c: classes,
      input: .f32, bias: true, workers: workers)
    gradient = try Matmul(
      m: classes, n: d, k: block, a: .transposed(row: classes), b: .init(row: d), c: d,
      input: .f32, workers: workers)
    weights = try AlignedBuffer(count: classes * d)
    bias = try AlignedBuffer(count: classes)
    partial = try AlignedBuffer(count: tasks * size)
    moments = try AlignedBuffer(count: (tasks + 1) * 2 * d)
    memory = try (0..<workers).map { _ in
      Memory(
        rows: try Matrix(rows: block, width: d),
        probabilities: try Matrix(rows: block, width: classes),
        delta: try Matrix(rows: block, width: classes),
        gradient: try Matrix(rows: classes, width: max(d, 1)),
        losses: try AlignedBuffer(count: block))
    }
  }

  /// The mean and the variance of each column.
  func columns() -> (mean: [Double], variance: [Double]) {
    let d = x.width
    pool.run(tasks: tasks) { task, worker in
      let sums = moments.base + task * 2 * d
      sums.update(repeating: 0, count: 2 * d)
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * d) { some in
        guard let some = some.baseAddress else { return }
        forEachBlock(of: task, worker) { rows, _, live in
          vt_product_sums(some, rows, rows, live, d)
          for i in 0..<2 * d { sums[i] += some[i] }
        }
      }
    }
    var sums = [Double](repeating: 0, count: 2 * d)
    for task in 0..<tasks {
      for i in sums.indices { sums[i] += moments.base[task * 2 * d + i] }
    }
    let mean = sums[..<d].map { $0 / Double(x.rows) }
    let variance = (0..<d).map { max(0, sums[d + $0] / Double(x.rows) - mean[$0] * mean[$0]) }
    return (mean, variance)
  }

  /// The sum over all rows at W [classes, d] and b, which are rounded to f32; its gradient goes
  /// into `gradient`, [∂W | ∂b].
  func evaluate(weights w: [Double], bias b: [Double], gradient total: inout [Double]) -> Double {
    let size = total.count + 1
    for i in w.indices { weights.base[i] = Float(w[i]) }
    for k in b.indices { bias.base[k] = Float(b[k]) }
    pool.run(tasks: tasks) { task, worker in
      let sums = partial.base + task * size
      sums.update(repeating: 0, count: size)
      forEachBlock(of: task, worker) { rows, first, live in
        add(rows, first: first, live: live, to: sums, worker)
      }
    }
    var loss = 0.0
    total.withUnsafeMutableBufferPointer { total in
      total.update(repeating: 0)
      for task in 0..<tasks {
        let sums = partial.base + task * size
        for i in total.indices { total[i] += sums[i] }
        loss += sums[size - 1]
      }
    }
    return loss
  }

  private func add(
    _ rows: UnsafePointer<Float>, first: Int, live: Int, to sums: UnsafeMutablePointer<Double>,
    _ worker: Int
  ) {
    let memory = memory[worker]
    let (p, delta) = (memory.probabilities.floats(0), memory.delta.floats(0))
    let dw = memory.gradient.floats(0)
    logits.run(a: rows, b: weights.base, c: p, bias: bias.base, worker: worker)
    labels.withUnsafeBufferPointer { labels in
      guard let wanted = labels.baseAddress.map({ $0 + first }) else { return }
      vt_softmax(p, memory.losses.base, wanted, live, classes)
      vt_softmax_delta(delta, 0, p, wanted, live, classes, 1)
    }
    memory.delta.clear(live..<block)
    gradient.run(a: delta, b: rows, c: dw, worker: worker)
    let weights = classes * x.width
    for i in 0..<weights { sums[i] += Double(dw[i]) }
    vt_column_sums(dw, delta, 0, live, classes, classes)
    for k in 0..<classes { sums[weights + k] += Double(dw[k]) }
    for r in 0..<live { sums[weights + classes] += memory.losses.base[r] }
  }

  /// Calls `body` with the rows of each block of a task as f4; behind the last of them are others.
  private func forEachBlock(
    of task: Int, _ worker: Int,
    _ body: (_ rows: UnsafePointer<Float>, _ first: Int, _ live: Int) -> Void
  ) {
    for index in task * blocksPerTask..<(task + 1) * blocksPerTask where index * block < x.rows {
      let first = index * block
      let live = min(block, x.rows - first)
      if live == block, let floats = x.floats {
        body(floats + first * x.width, first, live)
      } else {
        let rows = memory[worker].rows
        x.copy(first, count: live, into: rows.floats(0))
        rows.clear(live..<block)
        body(UnsafePointer(rows.floats(0)), first, live)
      }
    }
  }
}
