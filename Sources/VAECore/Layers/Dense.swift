import CKernels

/// A fully connected layer, y = x · Wᵀ + b, W [out, in]. Several that read one edge are one layer
/// with several names: their outputs lie side by side, and one product computes them all.
public struct Dense: Layer {
  /// Each has its `name.weight` [out, in] and `name.bias` [out], as PyTorch's Linear.
  public let names: [String]
  /// Outputs of each.
  public let outputs: Int
  public let scheme: InitialiserScheme
  /// Whether y is rectified.
  private var isRectified = false

  public init(_ names: String..., outputs: Int, scheme: InitialiserScheme = .pytorch) {
    self.init(names, outputs: outputs, scheme: scheme)
  }

  public init(_ names: [String], outputs: Int, scheme: InitialiserScheme = .pytorch) {
    self.names = names
    self.outputs = outputs
    self.scheme = scheme
  }

  public func outputShape(_ inputs: [[Int]]) -> [Int] { [names.count * outputs] }

  /// Weights, then biases: those of several names lie together and are read as one.
  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] {
    let inputs = inputs[0].reduce(1, *)
    let weights = names.enumerated().map { index, name in
      ParameterSpec(
        name: name + ".weight", shape: [outputs, inputs],
        initialiser: scheme.weight(fanIn: inputs, fanOut: outputs), joined: index > 0)
    }
    let biases = names.enumerated().map { index, name in
      ParameterSpec(
        name: name + ".bias", shape: [outputs], initialiser: scheme.bias(fanIn: inputs),
        joined: index > 0)
    }
    return weights + biases
  }

  public var reads: ValueForm { .operand }
  public var gradient: ValueForm { isRectified ? .floats : .operand }

  public func fused(with activation: Activation) -> (any Layer)? {
    guard activation == .relu else { return nil }
    var layer = self
    layer.isRectified = true
    return layer
  }

  public func place(_ site: Site) throws -> any PlacedLayer {
    try PlacedDense(self, isRectified: isRectified, site)
  }
}

/// A fully connected layer with its memory.
final class PlacedDense: PlacedLayer {
  private let x: EdgeMemory
  private let y: EdgeMemory
  private let map: AffineMap
  private let isRectified: Bool
  private let placement: Placement
  /// The gradient of the sum, [capacity, outputs], where it is not that of y.
  private let ownDelta: Matrix?

  init(_ layer: Dense, isRectified: Bool, _ site: Site) throws {
    x = site.inputs[0]
    y = site.output
    placement = site.placement
    self.isRectified = isRectified
    let rows = placement.blocks.times(y.repeats)
    map = try AffineMap(
      layer.names[0], in: placement.store, inputs: x.width, outputs: y.width,
      relu: isRectified, precision: placement.precision, output: y.values.precision,
      block: rows.size, workers: placement.workers)
    ownDelta =
      placement.isTraining && y.delta == nil
      ? try Matrix(rows: rows.capacity, width: y.width, precision: placement.precision) : nil
  }

  func apply(_ block: RowBlock, worker: Int) {
    map.forward(x.operand(block), into: y.values[block.row * y.repeats], worker: worker)
    y.publish(block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    if let ownDelta {
      plan.addForDead { [y] block, _ in
        let rows = y.rows(block)
        ownDelta.clear(rows.row..<rows.row + rows.size)
      }
      plan.add { [self] block, worker in
        let rows = y.rows(block)
        let dy = y.gradient(block, worker: worker)
        let count = rows.size * y.width
        if isRectified, y.operand.precision == ownDelta.precision {
          vt_relu_backward(
            ownDelta[rows.row], dy, y.operand[rows.row], ownDelta.isBF16, count)
        } else {
          if isRectified {
            Activation.relu.backward(dy, x: y.values.floats(rows.row), count: count)
          }
          ownDelta.store(dy, row: rows.row, rows: rows.size)
        }
        ownDelta.clear(rows.dead)
      }
    }
    guard let dx = x.contribution() else { return }
    try map.prepareBackward()
    let delta = self.delta
    plan.add { [self] block, worker in
      let to = dx.destination(block, worker: worker)
      map.backward(delta[block.row * y.repeats], into: to, worker: worker)
      dx.deliver(to, block, worker: worker)
    }
  }

  func gradientTasks() throws -> [GradientTask] {
    try map.gradientTasks(x: x.operand, dy: delta, scratch: placement.workspace)
  }

  /// The gradient of the sum, [capacity, outputs], of which dead rows are zero.
  private var delta: Matrix {
    guard let delta = y.delta ?? ownDelta else { preconditionFailure("placed for inference") }
    return delta
  }
}
