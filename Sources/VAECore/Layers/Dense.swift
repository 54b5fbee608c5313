/// A fully connected layer, y = x · Wᵀ + b, W [out, in]. Several that read one edge are one layer
/// with several names: their outputs lie side by side, and one product computes them all.
public struct Dense: Layer {
  /// Each has its `name.weight` [out, in] and `name.bias` [out], as PyTorch's Linear.
  public let names: [String]
  /// Outputs of each.
  public let outputs: Int
  public let scheme: InitialiserScheme
  /// The map that x is, and the map that y is: in files their channels come first.
  private var inputMap: MapShape?
  private var outputMap: MapShape?
  /// Whether y is rectified.
  private var isRectified = false

  public init(_ names: String..., outputs: Int, scheme: InitialiserScheme = .pytorch) {
    self.init(names, outputs: outputs, scheme: scheme)
  }

  /// - Parameter map: what x is, where it is the output of a convolution.
  public init(
    _ names: [String], outputs: Int, of map: MapShape? = nil, scheme: InitialiserScheme = .pytorch
  ) {
    self.names = names
    self.outputs = outputs
    self.scheme = scheme
    inputMap = map
  }

  /// A layer that gives a map, for convolutions.
  public init(_ name: String, map: MapShape, scheme: InitialiserScheme = .pytorch) {
    self.init(name, outputs: map.count, scheme: scheme)
    outputMap = map
  }

  public func outputShape(_ inputs: [[Int]]) -> [Int] {
    outputMap?.shape ?? [names.count * outputs]
  }

  /// Weights, then biases: those of several names lie together and are read as one.
  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] {
    let inputs = inputs[0].reduce(1, *)
    let weights = names.enumerated().map { index, name in
      ParameterSpec(
        name: name + ".weight", shape: [outputs, inputs],
        initialiser: scheme.weight(fanIn: inputs, fanOut: outputs), joined: index > 0,
        order: inputMap?.order(outer: outputs) ?? outputMap?.order(outer: 1, inner: inputs))
    }
    let biases = names.enumerated().map { index, name in
      ParameterSpec(
        name: name + ".bias", shape: [outputs], initialiser: scheme.bias(fanIn: inputs),
        joined: index > 0, order: outputMap?.order(outer: 1))
    }
    return weights + biases
  }

  public var reads: ValueForm { .operand }
  public var gradient: ValueForm { .operand }

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
  private let delta: SumGradient
  private let placement: Placement

  init(_ layer: Dense, isRectified: Bool, _ site: Site) throws {
    x = site.inputs[0]
    y = site.output
    placement = site.placement
    map = try AffineMap(
      layer.names[0], in: placement.store, inputs: x.width, outputs: y.width,
      relu: isRectified, precision: placement.precision, output: y.values.precision,
      block: placement.blocks.times(y.repeats).size, workers: placement.workers)
    delta = try SumGradient(of: y, isRectified: isRectified, placement)
  }

  func apply(_ block: RowBlock, worker: Int) {
    map.forward(x.operand(block), into: y.values[block.row * y.repeats], worker: worker)
    y.publish(block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    delta.addBackward(to: &plan)
    guard let dx = x.contribution() else { return }
    try map.prepareBackward()
    let delta = delta.matrix
    plan.add { [self] block, worker in
      let to = dx.destination(block, worker: worker)
      map.backward(delta[block.row * y.repeats], into: to, worker: worker)
      dx.deliver(to, block, worker: worker)
    }
  }

  func gradientTasks() throws -> [GradientTask] {
    try map.gradientTasks(x: x.operand, dy: delta.matrix, scratch: placement.workspace)
  }
}
