/// The configuration of a model whose encoder can be trained further under another head: what it
/// takes to lay that encoder out in a store of its own.
package protocol EncoderConfiguration: Codable, Sendable {
  /// The kind of model.
  static var kind: String { get }
  var inputShape: [Int] { get }
  /// Dimensions of the posterior mean.
  var latent: Int { get }
  /// The parameters between a row and its posterior mean, named as in the model.
  func encoderLayout() throws -> [ParameterSpec]
  /// The layers over the parameters of that layout in `store`.
  func makeEncoder(
    in store: ParameterStore, precision: Precision, blocks: RowBlocks, scratch: WorkerScratch,
    workers: Int
  ) throws -> any TrainableEncoder
}

/// A model whose encoder can be trained under another head.
package protocol TunableModel: LatentModel {
  var encoderConfiguration: any EncoderConfiguration { get }
}

/// An encoder laid out for blocks of rows: from inputs to posterior means, and back.
package protocol TrainableEncoder: AnyObject {
  /// The means of the block at `row` from its inputs, as a trained model computes them.
  func apply(
    _ x: UnsafeRawPointer, into means: UnsafeMutablePointer<Float>, row: Int, rows: Int,
    worker: Int)
  /// Adds the way from `x` to `means` (f32) as training goes it.
  func addForward(
    to plan: inout RowPlan, x: Matrix, means: Matrix, run: @escaping () -> RunState)
  /// Adds the way back from `delta`, the gradient of the means, of which dead rows are zero.
  func addBackward(to plan: inout RowPlan, delta: Matrix, run: @escaping () -> RunState) throws
  /// What computes the gradients of the parameters, after the way back.
  func gradientTasks(x: Matrix, delta: Matrix) throws -> [GradientTask]
}

/// The encoder of a multi-layer perceptron VAE, without its log-variances.
private final class PerceptronEncoder: TrainableEncoder {
  private let layers: [HiddenLayer]
  private let mean: Dense
  private let scratch: WorkerScratch

  init(
    _ configuration: VAEConfiguration, in store: ParameterStore, precision: Precision,
    blocks: RowBlocks, scratch: WorkerScratch, workers: Int
  ) throws {
    let widths = [configuration.inputShape.reduce(1, *)] + configuration.hidden
    layers = try zip(widths, widths.dropFirst()).enumerated().map { index, pair in
      try HiddenLayer(
        "encoder.\(index)", in: store, inputs: pair.0, outputs: pair.1,
        style: configuration.style, number: index, precision: precision, blocks: blocks,
        scratch: scratch, workers: workers)
    }
    mean = try Dense(
      "encoder.mean", in: store, inputs: widths[widths.count - 1],
      outputs: configuration.latent, precision: precision, block: blocks.size, workers: workers)
    self.scratch = scratch
    try scratch.reserve(blocks.size * mean.inputs)
  }

  func apply(
    _ x: UnsafeRawPointer, into means: UnsafeMutablePointer<Float>, row: Int, rows: Int,
    worker: Int
  ) {
    var x = x
    for layer in layers {
      layer.apply(x, row: row, rows: rows, worker: worker)
      x = UnsafeRawPointer(layer.values[row])
    }
    mean.forward(x, into: means, worker: worker)
  }

  func addForward(
    to plan: inout RowPlan, x: Matrix, means: Matrix, run: @escaping () -> RunState
  ) {
    var x = x
    for layer in layers {
      layer.addForward(to: &plan, x: x, particles: 1, run: run)
      x = layer.values
    }
    let last = x
    plan.add { [mean] block, worker in
      mean.forward(last[block.row], into: means[block.row], worker: worker)
    }
  }

  func addBackward(to plan: inout RowPlan, delta: Matrix, run: @escaping () -> RunState) throws {
    guard !layers.isEmpty else { return }
    try mean.prepareBackward()
    plan.add { [mean, scratch] block, worker in
      mean.backward(delta[block.row], into: scratch[worker], worker: worker)
    }
    for (index, layer) in layers.enumerated().reversed() {
      layer.addBackward(to: &plan, particles: 1, run: run)
      if index > 0 { try layer.addInputGradient(to: &plan, particles: 1) }
    }
  }

  func gradientTasks(x: Matrix, delta: Matrix) throws -> [GradientTask] {
    var (x, tasks) = (x, [GradientTask]())
    for layer in layers {
      tasks += try layer.gradientTasks(x: x)
      x = layer.values
    }
    return tasks + (try mean.gradientTasks(x: x, dy: delta, scratch: scratch))
  }
}

extension VAEConfiguration: EncoderConfiguration {
  package static var kind: String { VAE.kind }

  package func encoderLayout() throws -> [ParameterSpec] {
    try layout().filter {
      $0.name.hasPrefix("encoder.") && !$0.name.hasPrefix("encoder.logvar.")
    }
  }

  package func makeEncoder(
    in store: ParameterStore, precision: Precision, blocks: RowBlocks, scratch: WorkerScratch,
    workers: Int
  ) throws -> any TrainableEncoder {
    try PerceptronEncoder(
      self, in: store, precision: precision, blocks: blocks, scratch: scratch, workers: workers)
  }
}

extension VAE: TunableModel {
  package var encoderConfiguration: any EncoderConfiguration { configuration }
}
