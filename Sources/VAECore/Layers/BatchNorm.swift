import CKernels

/// Batch normalisation (Ioffe and Szegedy, 2015) with PyTorch's conventions: ε = 10⁻⁵ in the root,
/// running statistics with momentum 0.1 and the unbiased variance.
package final class BatchNorm {
  static let epsilon = 1e-5
  static let momentum = 0.1

  let width: Int
  private let store: ParameterStore
  private let weight: Int
  private let bias: Int
  private let runningMean: Int
  private let runningVariance: Int
  /// For each block [Σx | Σx²], and [Σdy | Σdy·x̂]: apart, since one block may be on its way back
  /// while another still reads the sums of the way there.
  private let forwardSums: AlignedBuffer<Double>
  private let backwardSums: AlignedBuffer<Double>
  private let blocks: RowBlocks
  /// x̂, and dy across the barrier.
  private let normalised: Matrix
  private let gradient: Matrix
  private let inverseDeviation: Matrix

  /// The parameters of the layer called `name`, in the order PyTorch has them.
  static func parameters(_ name: String, width: Int) -> [ParameterSpec] {
    [
      .init(name: name + ".weight", shape: [width], initialiser: .constant(1)),
      .init(name: name + ".bias", shape: [width], initialiser: .constant(0)),
      .init(
        name: name + ".running_mean", shape: [width], initialiser: .constant(0), trained: false),
      .init(
        name: name + ".running_var", shape: [width], initialiser: .constant(1), trained: false),
    ]
  }

  package init(_ name: String, in store: ParameterStore, width: Int, blocks: RowBlocks) throws {
    self.width = width
    self.store = store
    self.blocks = blocks
    weight = store.offset(of: name + ".weight")
    bias = store.offset(of: name + ".bias")
    runningMean = store.offset(of: name + ".running_mean")
    runningVariance = store.offset(of: name + ".running_var")
    forwardSums = try AlignedBuffer(count: blocks.count * 2 * width)
    backwardSums = try AlignedBuffer(count: blocks.count * 2 * width)
    normalised = try Matrix(rows: blocks.capacity, width: width)
    gradient = try Matrix(rows: blocks.capacity, width: width)
    inverseDeviation = try Matrix(rows: 1, width: width)
  }

  /// Normalises rows by the running statistics, in place; for application.
  func apply(_ x: UnsafeMutablePointer<Float>, rows: Int) {
    let (mean, variance) = (store.values.base + runningMean, store.values.base + runningVariance)
    let (weight, bias) = (store.values.base + weight, store.values.base + bias)
    for c in 0..<width {
      let scale = weight[c] / (variance[c] + Float(Self.epsilon)).squareRoot()
      for r in 0..<rows {
        x[r * width + c] = (x[r * width + c] - mean[c]) * scale + bias[c]
      }
    }
  }

  /// Adds y = x̂·weight + bias to the plan, x̂ from the batch's own statistics. `batch` says how many
  /// rows are live; `y` may be `x`.
  func addForward(
    to plan: inout RowPlan, x: Matrix, y: Matrix, particles: Int, batch: @escaping () -> Int
  ) {
    plan.add { [self] block, _ in
      let block = block.times(particles)
      let source = x.floats(block.row)
      normalised.floats(block.row).update(from: source, count: block.size * width)
      vt_product_sums(
        forwardSums.base + block.index * 2 * width, source, source, block.live, width)
    }
    plan.addForDead { [self] block, _ in clearSums(block.index) }
    plan.barrier()
    plan.add { [self] block, _ in
      let block = block.times(particles)
      let count = Double(batch())
      withTotals(forwardSums) { mean, square in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { moments in
          guard let means = moments.baseAddress else { return }
          let inverses = means + width
          for c in 0..<width {
            let m = mean[c] / count
            let variance = max(0, square[c] / count - m * m)
            means[c] = Float(m)
            inverses[c] = Float(1 / (variance + Self.epsilon).squareRoot())
            if block.index == 0 {
              inverseDeviation.floats(0)[c] = inverses[c]
              follow(runningMean + c, m)
              follow(runningVariance + c, variance * count / max(1, count - 1))
            }
          }
          vt_normalise(
            normalised.floats(block.row), y.floats(block.row), means, inverses,
            store.values.base + weight, store.values.base + bias, block.size, width)
        }
      }
    }
  }

  /// Adds dx from dy, which `take` leaves in the worker's scratch, to the plan. `give` gets dx.
  func addBackward(
    to plan: inout RowPlan, particles: Int, batch: @escaping () -> Int,
    take: @escaping (RowBlock, Int) -> UnsafeMutablePointer<Float>,
    give: @escaping (RowBlock, UnsafeMutablePointer<Float>) -> Void
  ) {
    plan.add { [self] block, worker in
      let dy = take(block, worker)
      let block = block.times(particles)
      gradient.floats(block.row).update(from: dy, count: block.size * width)
      vt_product_sums(
        backwardSums.base + block.index * 2 * width, dy, normalised.floats(block.row), block.live,
        width)
    }
    plan.barrier()
    plan.add { [self] whole, _ in
      let block = whole.times(particles)
      let count = Double(batch())
      withTotals(backwardSums) { dy, dyx in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 3 * width) { means in
          guard let factor = means.baseAddress else { return }
          for c in 0..<width {
            factor[c] = store.values.base[weight + c] * inverseDeviation.floats(0)[c]
            factor[width + c] = Float(dy[c] / count)
            factor[2 * width + c] = Float(dyx[c] / count)
          }
          let dx = gradient.floats(block.row)
          withUnsafeTemporaryAllocation(of: Float.self, capacity: block.size * width) { result in
            guard let to = result.baseAddress else { return }
            vt_normalise_backward(
              to, dx, normalised.floats(block.row), factor, factor + width, factor + 2 * width,
              block.size, width)
            give(whole, to)
          }
        }
      }
    }
  }

  /// The gradients of weight and bias, from the sums that the backward pass left.
  func gradientTask(scratch: WorkerScratch) throws -> GradientTask {
    try scratch.reserve(width)
    return GradientTask(cost: width) { [self] sink, task, worker in
      let gradient = scratch[worker]
      withTotals(backwardSums) { dy, dyx in
        for c in 0..<width { gradient[c] = Float(dyx[c]) }
        sink.take(offset: weight, count: width, gradient: gradient, task: task)
        for c in 0..<width { gradient[c] = Float(dy[c]) }
        sink.take(offset: bias, count: width, gradient: gradient, task: task)
      }
    }
  }

  private func follow(_ offset: Int, _ value: Double) {
    let old = Double(store.values.base[offset])
    store.values.base[offset] = Float(old + Self.momentum * (value - old))
  }

  private func clearSums(_ block: Int) {
    for sums in [forwardSums, backwardSums] {
      (sums.base + block * 2 * width).update(repeating: 0, count: 2 * width)
    }
  }

  /// The sums over all blocks, in the order of the blocks.
  private func withTotals(
    _ sums: AlignedBuffer<Double>,
    _ body: (UnsafeMutablePointer<Double>, UnsafeMutablePointer<Double>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * width) { totals in
      guard let base = totals.baseAddress else { return }
      totals.initialize(repeating: 0)
      for block in 0..<blocks.count {
        let from = sums.base + block * 2 * width
        for i in 0..<2 * width { base[i] += from[i] }
      }
      body(base, base + width)
    }
  }
}
