import CKernels

/// A fully connected layer, y = x · Wᵀ + b, W [out, in], over blocks of rows.
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
  ///   - name: of the parameters `name.weight` and `name.bias`. Where `outputs` exceeds the rows of
  ///     that weight, the parameters joined behind both are read as one with it.
  ///   - relu: rectify y.
  ///   - output: the type of y; f32 where y is read by an elementwise pass.
  ///   - block: rows in one call.
  package init(
    _ name: String, in store: ParameterStore, inputs: Int, outputs: Int, relu: Bool = false,
    precision: Precision, output: Precision = .f32, block: Int, workers: Int
  ) throws {
    self.inputs = inputs
    self.outputs = outputs
    self.store = store
    self.precision = precision
    self.workers = workers
    self.block = block
    weightOffset = store.offset(of: name + ".weight")
    biasOffset = store.offset(of: name + ".bias")
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

  /// dx [block, in] = dy · W, in f32, from dy [block, out], the gradient of y.
  package func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int) {
    backwardMatmul?.run(
      a: dy, b: store.pointer(weightOffset, precision), c: dx, worker: worker)
  }

  /// The tasks that compute dW = dyᵀ · x and db = Σ dy over all rows of `dy` and `x` and hand them
  /// to the sink; none where the layer is frozen.
  package func gradientTasks(x: Matrix, dy: Matrix, scratch: WorkerScratch) throws
    -> [GradientTask]
  {
    guard
      store.isTrained(weightOffset..<weightOffset + outputs * inputs)
        || store.isTrained(biasOffset..<biasOffset + outputs)
    else { return [] }
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
