import CKernels

/// Batch normalisation (Ioffe and Szegedy, 2015) with PyTorch's conventions: ε = 10⁻⁵ in the root,
/// running statistics with momentum 0.1 and the unbiased variance. A map is normalised by channel,
/// over rows and places. An activation behind it is computed with it, in one pass each way.
public struct BatchNorm: Layer {
  /// Of its `weight`, `bias`, `running_mean` and `running_var`, each [last side of the input].
  public let name: String
  fileprivate var activation: Activation?

  static let epsilon = 1e-5
  static let momentum = 0.1

  public init(_ name: String) { self.name = name }

  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] {
    let width = inputs[0].last ?? 1
    func spec(_ part: String, _ value: Float, trained: Bool) -> ParameterSpec {
      ParameterSpec(
        name: "\(name).\(part)", shape: [width], initialiser: .constant(value), trained: trained)
    }
    return [
      spec("weight", 1, trained: true), spec("bias", 0, trained: true),
      spec("running_mean", 0, trained: false), spec("running_var", 1, trained: false),
    ]
  }

  public func fused(with activation: Activation) -> (any Layer)? {
    var layer = self
    layer.activation = activation
    return layer
  }

  public func place(_ site: Site) throws -> any PlacedLayer { try PlacedBatchNorm(self, site) }
}

private final class PlacedBatchNorm: PlacedLayer {
  private let x: EdgeMemory
  private let y: EdgeMemory
  private let activation: vt_activation_kind
  private let width: Int
  private let places: Int
  private let store: ParameterStore
  private let run: RunState
  private let blocks: RowBlocks
  private let workspace: WorkerScratch
  /// Ones, [width].
  private let ones: Matrix
  private let weight: Int
  private let bias: Int
  private let runningMean: Int
  private let runningVariance: Int
  private let training: Training?

  /// What only training needs.
  private struct Training {
    /// For each block [Σx | Σx²], and [Σdy | Σdy·x̂]: apart, since one block may be on its way back
    /// while another still reads the sums of the way there.
    let forwardSums: AlignedBuffer<Double>
    let backwardSums: AlignedBuffer<Double>
    /// Of the sums behind the activation, across the barrier; [capacity, width].
    let gradient: Matrix
    /// Of the batch, [2, width]: the means, and 1 / √(variance + ε).
    let moments: Matrix
  }

  init(_ layer: BatchNorm, _ site: Site) throws {
    x = site.inputs[0]
    y = site.output
    activation = layer.activation?.kernel ?? vt_identity
    store = site.placement.store
    // A map has its channels normalised: each place counts as a row.
    width = store.values(of: layer.name + ".weight")?.count ?? y.width
    places = y.width / width
    run = site.placement.run
    blocks = site.placement.blocks
    workspace = site.placement.workspace
    weight = site.parameter(layer.name + ".weight")
    bias = site.parameter(layer.name + ".bias")
    runningMean = site.parameter(layer.name + ".running_mean")
    runningVariance = site.parameter(layer.name + ".running_var")
    ones = try Matrix(rows: 1, width: width)
    ones.floats(0).update(repeating: 1, count: width)
    guard site.placement.isTraining else {
      training = nil
      return
    }
    let rows = blocks.capacity * y.repeats * places
    training = Training(
      forwardSums: try AlignedBuffer(count: blocks.count * 2 * width),
      backwardSums: try AlignedBuffer(count: blocks.count * 2 * width),
      gradient: try Matrix(rows: rows, width: width),
      moments: try Matrix(rows: 2, width: width))
  }

  private func rows(_ block: RowBlock) -> RowBlock { y.rows(block).times(places) }

  /// What the batch is normalised by.
  private func normal(_ training: Training) -> vt_normal {
    vt_normal(
      mean: training.moments.floats(0), inverse_deviation: training.moments.floats(1),
      weight: store.values.base + weight, bias: store.values.base + bias)
  }

  private func normalise(_ block: RowBlock, by normal: vt_normal) {
    let rows = rows(block)
    vt_normalise(
      activation, y.values[y.rows(block).row], y.values.isBF16, x.floats(block), normal, rows.size,
      width)
    y.publish(block)
  }

  /// Normalises by the running statistics.
  func apply(_ block: RowBlock, worker: Int) {
    let (mean, variance) = (store.values.base + runningMean, store.values.base + runningVariance)
    let (weight, bias) = (store.values.base + weight, store.values.base + bias)
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { scales in
      guard let scale = scales.baseAddress else { return }
      for c in 0..<width {
        scale[c] = weight[c] / (variance[c] + Float(BatchNorm.epsilon)).squareRoot()
      }
      normalise(
        block,
        by: vt_normal(mean: mean, inverse_deviation: scale, weight: ones.floats(0), bias: bias))
    }
  }

  /// y = act(x̂·weight + bias), x̂ from the batch's own statistics.
  func addForward(to plan: inout RowPlan) {
    guard let training else { return }
    plan.add { [self] block, _ in
      let rows = rows(block)
      let source = x.floats(block)
      vt_product_sums(
        training.forwardSums.base + block.index * 2 * width, source, source, rows.live, width)
    }
    plan.addForDead { [width] block, _ in
      for sums in [training.forwardSums, training.backwardSums] {
        (sums.base + block.index * 2 * width).update(repeating: 0, count: 2 * width)
      }
    }
    plan.barrier()
    // Once, and before any block is normalised: on its way back a block reads the moments again.
    plan.add { [self] block, _ in
      if block.index == 0 { computeMoments(training) }
    }
    plan.barrier()
    plan.add { [self] block, _ in normalise(block, by: normal(training)) }
  }

  private func computeMoments(_ training: Training) {
    let count = Double(run.rows * y.repeats * places)
    withTotals(training.forwardSums) { mean, square in
      for c in 0..<width {
        let m = mean[c] / count
        let variance = max(0, square[c] / count - m * m)
        training.moments.floats(0)[c] = Float(m)
        training.moments.floats(1)[c] = Float(1 / (variance + BatchNorm.epsilon).squareRoot())
        updateRunning(runningMean + c, m)
        updateRunning(runningVariance + c, variance * count / max(1, count - 1))
      }
    }
  }

  func addBackward(to plan: inout RowPlan) {
    guard let training else { return }
    plan.add { [self] block, worker in
      let rows = rows(block)
      vt_normalise_sums(
        activation, training.gradient.floats(rows.row),
        training.backwardSums.base + block.index * 2 * width,
        y.gradient(block, worker: worker), x.floats(block), normal(training), rows.live, width)
    }
    plan.barrier()
    guard let dx = x.contribution() else { return }
    plan.add { [self] block, worker in
      let rows = rows(block)
      let count = Double(run.rows * y.repeats * places)
      withTotals(training.backwardSums) { dy, dyx in
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { means in
          guard let meanDY = means.baseAddress else { return }
          for c in 0..<width {
            meanDY[c] = Float(dy[c] / count)
            meanDY[width + c] = Float(dyx[c] / count)
          }
          let to = dx.target(block, worker: worker)
          vt_normalise_backward(
            to.base, to.isBF16, training.gradient.floats(rows.row), x.floats(block),
            normal(training), meanDY, meanDY + width, rows.live, width)
          dx.deliver(to, block, worker: worker)
        }
      }
    }
  }

  /// The gradients of weight and bias, from the sums that the backward pass left.
  func gradientTasks() throws -> [GradientTask] {
    guard let training else { return [] }
    try workspace.reserve(width)
    return [
      GradientTask(cost: width) { [self] sink, task, worker in
        let gradient = workspace[worker]
        withTotals(training.backwardSums) { dy, dyx in
          for c in 0..<width { gradient[c] = Float(dyx[c]) }
          sink.accept(gradient, offset: weight, count: width, task: task)
          for c in 0..<width { gradient[c] = Float(dy[c]) }
          sink.accept(gradient, offset: bias, count: width, task: task)
        }
      }
    ]
  }

  private func updateRunning(_ offset: Int, _ value: Double) {
    let old = Double(store.values.base[offset])
    store.values.base[offset] = Float(old + BatchNorm.momentum * (value - old))
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
