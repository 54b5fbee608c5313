import CKernels

/// How the hidden layers of a network are made.
public struct HiddenStyle: Codable, Sendable, Equatable {
  public var activation = Activation.relu
  /// The probability that training sets a value to zero.
  public var dropout: Float = 0
  public var batchNorm = false

  enum CodingKeys: String, CodingKey {
    case activation, dropout
    case batchNorm = "batch_norm"
  }

  public init() {}
}

/// A dense layer, batch normalisation where asked for, an activation and dropout where asked for.
///
/// With the plain rectifier everything is one multiplication; what the other styles cost, only they
/// pay.
package final class HiddenLayer {
  package let inputs: Int
  package let outputs: Int
  /// y, for all rows of the batch.
  package let values: Matrix
  /// The gradient of the dense layer's sum.
  let delta: Matrix
  private let dense: Dense
  private let norm: BatchNorm?
  private let style: HiddenStyle
  private let fused: Bool
  private let number: UInt32
  private let scratch: WorkerScratch
  /// The sum (normalised, scaled) that the activation reads; empty where it is fused.
  private let sum: Matrix
  private let precision: Precision

  /// The parameters of the layer called `name`.
  static func parameters(
    _ name: String, inputs: Int, outputs: Int, style: HiddenStyle, scheme: InitialiserScheme
  ) -> [ParameterSpec] {
    linearParameters(name, inputs: inputs, outputs: outputs, scheme: scheme)
      + (style.batchNorm ? BatchNorm.parameters(name + ".norm", width: outputs) : [])
  }

  /// - Parameters:
  ///   - blocks: rows of the batch, as the layer sees them.
  ///   - number: tells the layers of a model apart, for dropout.
  package init(
    _ name: String, in store: ParameterStore, inputs: Int, outputs: Int, style: HiddenStyle,
    number: Int, precision: Precision, blocks: RowBlocks, scratch: WorkerScratch, workers: Int
  ) throws {
    self.inputs = inputs
    self.outputs = outputs
    self.style = style
    self.scratch = scratch
    self.precision = precision
    self.number = UInt32(number)
    fused = style.activation == .relu && style.dropout == 0 && !style.batchNorm
    dense = try Dense(
      name, in: store, inputs: inputs, outputs: outputs, relu: fused, precision: precision,
      output: fused ? precision : .f32, block: blocks.size, workers: workers)
    norm =
      style.batchNorm
      ? try BatchNorm(name + ".norm", in: store, width: outputs, blocks: blocks) : nil
    values = try Matrix(rows: blocks.capacity, width: outputs, precision: precision)
    delta = try Matrix(rows: blocks.capacity, width: outputs, precision: precision)
    sum = try Matrix(rows: fused ? 0 : blocks.capacity, width: outputs)
    try scratch.reserve(3 * blocks.size * max(inputs, outputs))
  }

  /// y from x for the block at `row`, as a trained model does it: running statistics, no dropout.
  package func apply(_ x: UnsafeRawPointer, row: Int, rows: Int, worker: Int) {
    guard !fused else { return dense.forward(x, into: values[row], worker: worker) }
    let sum = sum.floats(row)
    dense.forward(x, into: sum, worker: worker)
    norm?.apply(sum, rows: rows)
    activate(sum, row: row, rows: rows, worker: worker) { _ in }
  }

  /// Adds the layer's forward pass to the plan.
  package func addForward(
    to plan: inout RowPlan, x: Matrix, particles: Int, run: @escaping () -> RunState
  ) {
    plan.add { [self] block, worker in
      let row = block.row * particles
      dense.forward(x[row], into: fused ? values[row] : sum[row], worker: worker)
    }
    guard !fused else { return }
    norm?.addForward(to: &plan, x: sum, y: sum, particles: particles) { run().rows * particles }
    plan.add { [self] block, worker in
      let block = block.times(particles)
      activate(sum.floats(block.row), row: block.row, rows: block.size, worker: worker) {
        drop($0, block, worker: worker, run())
      }
    }
  }

  /// Adds the backward pass: from the gradient of y, which the plan has left in the worker's
  /// scratch, to that of the sum in `delta`.
  package func addBackward(
    to plan: inout RowPlan, particles: Int, run: @escaping () -> RunState
  ) {
    plan.addForDead { [self] block, _ in
      let block = block.times(particles)
      delta.clear(block.row..<block.row + block.size)
    }
    if fused {
      plan.add { [self] block, worker in
        let block = block.times(particles)
        vt_relu_backward(
          delta[block.row], scratch[worker], values[block.row], delta.isBF16,
          block.size * outputs)
      }
      return
    }
    let throughActivation = { [self] (block: RowBlock, worker: Int) in
      let block = block.times(particles)
      let dy = scratch[worker]
      drop(dy, block, worker: worker, run())
      style.activation.backward(dy, x: sum.floats(block.row), count: block.size * outputs)
      return dy
    }
    let store = { [self] (block: RowBlock, dx: UnsafeMutablePointer<Float>) in
      let block = block.times(particles)
      delta.store(dx, row: block.row, rows: block.size)
      delta.clear(block.dead)
    }
    if let norm {
      norm.addBackward(
        to: &plan, particles: particles, batch: { run().rows * particles },
        take: throughActivation, give: store)
    } else {
      plan.add { block, worker in store(block, throughActivation(block, worker)) }
    }
  }

  /// Adds the gradient of x, left in the worker's scratch, to the plan.
  package func addInputGradient(to plan: inout RowPlan, particles: Int) throws {
    try dense.prepareBackward()
    plan.add { [self] block, worker in
      dense.backward(delta[block.row * particles], into: scratch[worker], worker: worker)
    }
  }

  package func gradientTasks(x: Matrix) throws -> [GradientTask] {
    try dense.gradientTasks(x: x, dy: delta, scratch: scratch)
      + (norm.map { [try $0.gradientTask(scratch: scratch)] } ?? [])
  }

  private func activate(
    _ sum: UnsafeMutablePointer<Float>, row: Int, rows: Int, worker: Int,
    then: (UnsafeMutablePointer<Float>) -> Void
  ) {
    let count = rows * outputs
    let y = precision == .f32 ? values.floats(row) : scratch[worker]
    style.activation.forward(sum, into: y, count: count)
    then(y)
    if precision == .bf16 { values.store(y, row: row, rows: rows) }
  }

  private func drop(
    _ x: UnsafeMutablePointer<Float>, _ block: RowBlock, worker: Int, _ run: RunState
  ) {
    guard style.dropout > 0 else { return }
    let uniforms = scratch[worker] + block.size * outputs
    vt_uniforms(
      uniforms, block.size, outputs, run.seed, NoisePurpose.dropout.rawValue, run.step, number,
      UInt64(block.row))
    vt_dropout(x, uniforms, block.size * outputs, style.dropout)
  }
}

/// Where in its run a graph is.
package struct RunState {
  /// Live rows of the batch.
  package var rows: Int
  package var seed: UInt64
  package var step: UInt32
}

/// The parameters of a dense layer.
func linearParameters(
  _ name: String, inputs: Int, outputs: Int, scheme: InitialiserScheme
) -> [ParameterSpec] {
  [
    .init(
      name: name + ".weight", shape: [outputs, inputs],
      initialiser: scheme.weight(fanIn: inputs, fanOut: outputs)),
    .init(name: name + ".bias", shape: [outputs], initialiser: scheme.bias(fanIn: inputs)),
  ]
}
