/// A convolution, or a transposed one: each place of the smaller map is joined to a window of the
/// larger. The weights are PyTorch's in files, O I k k of Conv2d and I O k k of ConvTranspose2d, and
/// O I k, I O k of a series.
public struct Convolution: Layer {
  /// Has its `name.weight` and `name.bias`.
  public let name: String
  /// The map that it reads.
  public let input: MapShape
  /// The map that it gives.
  public let output: MapShape
  public let window: WindowShape
  public let isTransposed: Bool
  public let scheme: InitialiserScheme
  /// What windows lie on: the larger of the two maps, or the input resized.
  private let larger: MapShape
  private let isSeries: Bool
  private var isRectified = false

  /// Windows on the input.
  public init(
    _ name: String, on input: MapShape, channels: Int, window: WindowShape.Side, isSeries: Bool,
    scheme: InitialiserScheme = .pytorch
  ) {
    self.init(
      name, resizing: input, to: input, channels: channels, window: window, isSeries: isSeries,
      scheme: scheme)
  }

  /// Windows on the input, which is first resized to as many places as `size` has, by the nearest
  /// neighbour.
  public init(
    _ name: String, resizing input: MapShape, to size: MapShape, channels: Int,
    window: WindowShape.Side, isSeries: Bool, scheme: InitialiserScheme = .pytorch
  ) {
    self.name = name
    self.input = input
    self.window = WindowShape(window, isSeries: isSeries)
    self.scheme = scheme
    self.isSeries = isSeries
    isTransposed = false
    larger = size.with(channels: input.channels)
    output = self.window.windows(on: larger, channels: channels)
  }

  /// The transposed convolution whose output is the map that windows give `input` on.
  public init(
    transposed name: String, from input: MapShape, to output: MapShape, window: WindowShape.Side,
    isSeries: Bool, scheme: InitialiserScheme = .pytorch
  ) {
    self.name = name
    self.input = input
    self.output = output
    self.window = WindowShape(window, isSeries: isSeries)
    self.scheme = scheme
    self.isSeries = isSeries
    isTransposed = true
    larger = output
  }

  private var smaller: MapShape { isTransposed ? input : output }

  public func outputShape(_ inputs: [[Int]]) -> [Int] { output.shape }

  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] {
    let kernel = (isSeries ? [] : [window.vertical.kernel]) + [window.horizontal.kernel]
    // PyTorch takes the second side of the weight for what comes in, whichever way it goes.
    let (fanIn, fanOut) = (larger.channels * window.places, smaller.channels * window.places)
    return [
      ParameterSpec(
        name: name + ".weight", shape: [smaller.channels, larger.channels] + kernel,
        initialiser: scheme.weight(fanIn: fanIn, fanOut: fanOut),
        order: larger.channels == 1
          ? nil
          : ChannelOrder(
            outer: smaller.channels, channels: larger.channels, places: window.places)),
      ParameterSpec(
        name: name + ".bias", shape: [output.channels], initialiser: scheme.bias(fanIn: fanIn)),
    ]
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
    let bias = site.parameter(name + ".bias")
    let products = try WindowProducts(
      window, larger: larger, source: isTransposed ? output : input, smaller: smaller,
      weight: site.parameter(name + ".weight"), bias: isTransposed ? nil : bias,
      relu: isRectified && !isTransposed,
      output: isTransposed ? site.inputs[0].delta?.precision ?? .f32 : site.output.values.precision,
      block: site.placement.blocks.times(site.output.repeats).size, site.placement)
    return isTransposed
      ? try PlacedTransposed(products, bias: bias, isRectified: isRectified, site)
      : try PlacedConvolution(products, bias: bias, isRectified: isRectified, site)
  }
}

private final class PlacedConvolution: PlacedLayer {
  private let x: EdgeMemory
  private let y: EdgeMemory
  private let products: WindowProducts
  private let bias: Int
  private let delta: SumGradient
  private let placement: Placement

  init(_ products: WindowProducts, bias: Int, isRectified: Bool, _ site: Site) throws {
    self.products = products
    self.bias = bias
    (x, y, placement) = (site.inputs[0], site.output, site.placement)
    delta = try SumGradient(of: y, isRectified: isRectified, placement)
  }

  func apply(_ block: RowBlock, worker: Int) {
    let rows = y.rows(block)
    products.gather(x.operand(block), into: y.values[rows.row], rows, worker: worker)
    y.publish(block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    delta.addBackward(to: &plan)
    guard let dx = x.contribution() else { return }
    try products.prepareScatter()
    let delta = delta.matrix
    plan.add { [self] block, worker in
      let rows = y.rows(block)
      let to = dx.target(block, worker: worker)
      products.scatter(
        delta[rows.row], into: to.base, output: to.isBF16 == 1 ? .bf16 : .f32, rows,
        worker: worker)
      dx.deliver(to, block, worker: worker)
    }
  }

  func gradientTasks() throws -> [GradientTask] {
    let delta = delta.matrix
    return try products.gradientTasks(
      larger: x.operand, smaller: delta, sums: delta, bias: bias, placement)
  }
}

private final class PlacedTransposed: PlacedLayer {
  private let x: EdgeMemory
  private let y: EdgeMemory
  private let products: WindowProducts
  private let bias: Int
  private let isRectified: Bool
  private let delta: SumGradient
  private let placement: Placement

  init(_ products: WindowProducts, bias: Int, isRectified: Bool, _ site: Site) throws {
    self.products = products
    self.bias = bias
    self.isRectified = isRectified
    (x, y, placement) = (site.inputs[0], site.output, site.placement)
    delta = try SumGradient(of: y, isRectified: isRectified, placement)
    try products.prepareScatter()
  }

  func apply(_ block: RowBlock, worker: Int) {
    let rows = y.rows(block)
    products.scatter(
      x.operand(block), into: y.values[rows.row], output: y.values.precision,
      bias: placement.store.values.base + bias, relu: isRectified, rows, worker: worker)
    y.publish(block)
  }

  func addBackward(to plan: inout RowPlan) {
    delta.addBackward(to: &plan)
    guard let dx = x.contribution() else { return }
    let delta = delta.matrix
    plan.add { [self] block, worker in
      let rows = y.rows(block)
      let to = dx.target(block, worker: worker)
      products.gather(delta[rows.row], into: to.base, rows, worker: worker)
      dx.deliver(to, block, worker: worker)
    }
  }

  func gradientTasks() throws -> [GradientTask] {
    let delta = delta.matrix
    return try products.gradientTasks(
      larger: delta, smaller: x.operand, sums: delta, bias: bias, placement)
  }
}
