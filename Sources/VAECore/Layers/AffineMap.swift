import CKernels

/// The map y = x · Wᵀ + b, W [out, in], over blocks of rows, with its gradients.
///
/// The forward and the backward pass take one block of rows each; the gradient of the parameters
/// is cut by rows of W, each over the whole batch, so that a sum over examples never depends on
/// how the batch was shared out.
package final class AffineMap {
  private let shape: AffineShape
  private let bias: Int
  private let products: any AffineProducts

  /// - Parameters:
  ///   - name: of the parameters `name.weight` and `name.bias`. Where `outputs` exceeds the rows of
  ///     that weight, the parameters joined behind both are read as one with it.
  ///   - relu: rectify y.
  ///   - output: the type of y; f32 where y is read by an elementwise pass.
  ///   - block: rows in one call.
  ///   - packed: whether to multiply from packed weights, and not by oneDNN; nil is what is faster.
  package init(
    _ name: String, in store: ParameterStore, inputs: Int, outputs: Int, relu: Bool = false,
    precision: Precision, output: Precision = .f32, block: Int, workers: Int,
    packed: Bool? = nil
  ) throws {
    bias = store.offset(of: name + ".bias")
    shape = AffineShape(
      inputs: inputs, outputs: outputs, relu: relu, precision: precision, output: output,
      block: block, workers: workers, store: store, weight: store.offset(of: name + ".weight"),
      bias: bias)
    products = try shape.products(packed: packed)
  }

  /// y [block, out] from x [block, in].
  package func forward(_ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, worker: Int) {
    products.forward(x, into: y, worker: worker)
  }

  /// Makes the map ready for `backward`.
  package func prepareBackward() throws { try products.prepareBackward() }

  /// dx [block, in] = dy · W, in f32, from dy [block, out], the gradient of y.
  package func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int) {
    products.backward(dy, into: dx, worker: worker)
  }

  /// The tasks that compute dW = dyᵀ · x and db = Σ dy over all rows of `dy` and `x` and hand them
  /// to the sink; none where the parameters are frozen.
  package func gradientTasks(x: Matrix, dy: Matrix, scratch: WorkerScratch) throws
    -> [GradientTask]
  {
    let (inputs, outputs, store) = (shape.inputs, shape.outputs, shape.store)
    let (weight, bias) = (shape.weight, bias)
    guard
      store.isTrained(weight..<weight + outputs * inputs) || store.isTrained(bias..<bias + outputs)
    else { return [] }
    let together = PackedWeight.rowsTogether
    let blocks = max(1, (outputs * inputs + products.gradientBlock / 2) / products.gradientBlock)
    let size = ((outputs + blocks - 1) / blocks + together - 1) / together * together
    return try stride(from: 0, to: outputs, by: size).map { first in
      let count = min(size, outputs - first)
      let product = try products.gradient(rows: first..<first + count, x: x, dy: dy)
      try scratch.reserve(count * inputs)
      return GradientTask(cost: count * inputs, factors: [x, dy]) { sink, task, worker in
        let gradient = scratch[worker]
        let offset = weight + first * inputs
        product(gradient, worker)
        sink.accept(gradient, offset: offset, count: count * inputs, task: task)
        vt_column_sums(
          gradient, dy[0] + first * dy.precision.size, dy.isBF16, x.rows, count, outputs)
        sink.accept(gradient, offset: bias + first, count: count, task: task)
      }
    }
  }
}
