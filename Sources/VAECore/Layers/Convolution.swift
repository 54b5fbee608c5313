/// A convolution, a transposed one, or one of a resized map: each place of the smaller map is joined to
/// a window of the larger. The weights are PyTorch's in files, O I k k of Conv2d and I O k k of
/// ConvTranspose2d, and O I k, I O k of a series.
public struct Convolution: Layer {
  /// Has its `name.weight` and `name.bias`.
  public let name: String
  /// The map that it reads.
  public let input: MapShape
  /// The map that it gives.
  public let output: MapShape
  public let window: WindowShape
  public let scheme: InitialiserScheme
  private let kind: Kind
  private let isSeries: Bool
  private var isRectified = false

  private enum Kind {
    case strided
    case transposed
    /// Of the input resized to as many places as the output has.
    case resized
  }

  /// Windows on the input.
  public init(
    _ name: String, on input: MapShape, channels: Int, window: WindowShape.Side, isSeries: Bool,
    scheme: InitialiserScheme = .pytorch
  ) {
    let window = WindowShape(window, isSeries: isSeries)
    self.init(
      name, .strided, input, window.windows(on: input, channels: channels), window, isSeries,
      scheme)
  }

  /// A convolution of kernel 3, stride 1 and padding 1 on the input resized to as many places as the
  /// output has, by the nearest neighbour.
  public init(
    resizing name: String, from input: MapShape, to output: MapShape, isSeries: Bool,
    scheme: InitialiserScheme = .pytorch
  ) {
    self.init(
      name, .resized, input, output, WindowShape(.sameSize, isSeries: isSeries), isSeries, scheme)
  }

  /// The transposed convolution whose output is the map that windows give `input` on.
  public init(
    transposed name: String, from input: MapShape, to output: MapShape, window: WindowShape.Side,
    isSeries: Bool, scheme: InitialiserScheme = .pytorch
  ) {
    self.init(
      name, .transposed, input, output, WindowShape(window, isSeries: isSeries), isSeries, scheme)
  }

  private init(
    _ name: String, _ kind: Kind, _ input: MapShape, _ output: MapShape, _ window: WindowShape,
    _ isSeries: Bool, _ scheme: InitialiserScheme
  ) {
    self.name = name
    self.kind = kind
    self.input = input
    self.output = output
    self.window = window
    self.isSeries = isSeries
    self.scheme = scheme
  }

  public func outputShape(_ inputs: [[Int]]) -> [Int] { output.shape }

  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] {
    let kernel = (isSeries ? [] : [window.vertical.kernel]) + [window.horizontal.kernel]
    let shape =
      kind == .transposed
      ? [input.channels, output.channels] : [output.channels, input.channels]
    // PyTorch takes the second side of the weight for what comes in, whichever way it goes.
    let (fanIn, fanOut) = (shape[1] * window.places, shape[0] * window.places)
    // In memory the smaller map's channels come first, the larger's last. A convolution of a resized
    // map is laid out as the transposed one that it is, which has the window's places reversed.
    let order =
      kind == .resized
      ? ChannelOrder(
        outer: 1, channels: shape[0], places: shape[1] * window.places,
        reversal: window.places)
      : ChannelOrder(outer: shape[0], channels: shape[1], places: window.places)
    return [
      ParameterSpec(
        name: name + ".weight", shape: shape + kernel,
        initialiser: scheme.weight(fanIn: fanIn, fanOut: fanOut),
        order: order),
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
    let isStrided = kind == .strided
    let products = try WindowProducts(
      window, larger: isStrided ? input : output, smaller: isStrided ? output : input,
      windows: isStrided || kind == .resized ? output : input,
      weight: site.parameter(name + ".weight"), bias: isStrided ? bias : nil,
      relu: isRectified && isStrided,
      output: isStrided ? site.output.values.precision : site.inputs[0].delta?.precision ?? .f32,
      block: site.placement.blocks.times(site.output.repeats).size, site.placement)
    return isStrided
      ? try PlacedConvolution(products, bias: bias, isRectified: isRectified, site)
      : try PlacedTransposed(products, bias: bias, isRectified: isRectified, site)
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

/// A transposed convolution, or one of a resized map.
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
