import CKernels

/// Takes the gradient of a run of parameters as soon as it is known, while it is in cache.
public protocol GradientSink: AnyObject {
  /// `gradient` holds `count` values, for the parameters from `offset` in the store on. Called by
  /// several workers at once, for runs that do not overlap; `task` numbers the call's phase task.
  func take(offset: Int, count: Int, gradient: UnsafeMutablePointer<Float>, task: Int)
}

/// The rows that one task works on. Fixed by the batch size alone, never by the number of workers.
package struct RowBlocks: Sendable {
  package let size: Int
  package let count: Int
  /// Rows in all, dead ones at the end included.
  package var capacity: Int { size * count }

  /// At least `rows` rows in equal blocks of at most 64.
  package init(rows: Int) {
    count = max(1, (rows + 63) / 64)
    size = (rows + count - 1) / count
  }
}

/// A fully connected layer, y = act(x · Wᵀ + b), W [out, in], over blocks of rows.
///
/// The forward and the backward pass take one block of rows each; the gradient of the parameters
/// is cut by rows of W, each over the whole batch, so that a sum over examples never depends on
/// how the batch was shared out.
package final class Dense: @unchecked Sendable {
  package let inputs: Int
  package let outputs: Int
  private let store: ParameterStore
  private let weightOffset: Int
  private let biasOffset: Int
  private let precision: Precision
  private let workers: Int
  private let block: Int
  private let forwardMatmul: Matmul
  private var backwardMatmul: Matmul?

  /// - Parameters:
  ///   - weight: position in the store of W, `bias` that of b. Where `outputs` exceeds the rows of
  ///     W, the parameters joined behind both are read as one.
  ///   - output: the type of y; f32 where y is read by an elementwise pass.
  ///   - block: rows in one call.
  package init(
    _ store: ParameterStore, weight: Int, bias: Int, inputs: Int, outputs: Int, relu: Bool,
    precision: Precision, output: Precision, block: Int, workers: Int
  ) throws {
    self.inputs = inputs
    self.outputs = outputs
    self.store = store
    self.precision = precision
    self.workers = workers
    self.block = block
    weightOffset = store.offsets[weight]
    biasOffset = store.offsets[bias]
    forwardMatmul = try Matmul(
      m: block, n: outputs, k: inputs, a: .init(row: inputs), b: .transposed(row: inputs),
      c: outputs, input: precision, output: output, bias: true, relu: relu, workers: workers)
  }

  /// y [block, out] from x [block, in].
  package func forward(_ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, worker: Int) {
    forwardMatmul.run(
      a: x, b: store.pointer(weightOffset, precision), c: y,
      bias: store.pointer(biasOffset, .f32), worker: worker)
  }

  /// Makes the layer ready for `backward`.
  package func prepareBackward() throws {
    backwardMatmul = try Matmul(
      m: block, n: inputs, k: outputs, a: .init(row: outputs), b: .init(row: inputs), c: inputs,
      input: precision, workers: workers)
  }

  /// dx [block, in] = dy · W, in f32, from dy [block, out], the gradient before the activation.
  package func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int) {
    backwardMatmul?.run(
      a: dy, b: store.pointer(weightOffset, precision), c: dx, worker: worker)
  }

  /// The tasks that compute dW = dyᵀ · x and db = Σ dy over all rows of `dy` and `x` and hand them
  /// to the sink.
  package func gradientTasks(x: Matrix, dy: Matrix, scratch: WorkerScratch) throws
    -> [GradientTask]
  {
    // Blocks of about 320 KB of gradient: they stay in a second-level cache until the update.
    let blocks = max(1, (outputs * inputs + 40_000) / 80_000)
    let size = (outputs + blocks - 1) / blocks
    let whole = try weightGradient(rows: min(size, outputs), x: x)
    let rest = outputs % size == 0 ? whole : try weightGradient(rows: outputs % size, x: x)
    return try stride(from: 0, to: outputs, by: size).map { first in
      let rows = min(size, outputs - first)
      let matmul = rows == min(size, outputs) ? whole : rest
      try scratch.reserve(rows * inputs)
      return GradientTask(cost: rows * inputs) { [self] sink, task, worker in
        let gradient = scratch[worker]
        let column = dy[0] + first * precision.size
        matmul.run(a: column, b: x[0], c: gradient, worker: worker)
        sink.take(
          offset: weightOffset + first * inputs, count: rows * inputs, gradient: gradient,
          task: task)
        vt_column_sums(gradient, column, dy.isBF16, x.rows, rows, outputs)
        sink.take(offset: biasOffset + first, count: rows, gradient: gradient, task: task)
      }
    }
  }

  private func weightGradient(rows: Int, x: Matrix) throws -> Matmul {
    try Matmul(
      m: rows, n: inputs, k: x.rows, a: .transposed(row: outputs), b: .init(row: inputs),
      c: inputs, input: precision, workers: workers)
  }
}

/// One piece of the gradient phase; dearer ones are begun first.
package struct GradientTask {
  package let cost: Int
  package let body: (_ sink: any GradientSink, _ task: Int, _ worker: Int) -> Void
}

/// A block of f32 memory for each worker, sized before the first step by what the layers reserve.
package final class WorkerScratch: @unchecked Sendable {
  private var buffers: [AlignedBuffer<Float>]

  package init(workers: Int) throws {
    buffers = try (0..<workers).map { _ in try AlignedBuffer(count: 0) }
  }

  package func reserve(_ count: Int) throws {
    for i in buffers.indices where buffers[i].count < count {
      buffers[i] = try AlignedBuffer(count: count)
    }
  }

  package subscript(worker: Int) -> UnsafeMutablePointer<Float> { buffers[worker].base }
}
