public import ArgumentParser
public import VAECore

/// The convolutions of what `vae-fit` builds.
public struct ConvolutionOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Convolutions in front of the dense layers, by their channels; the decoder has them in "
        + "reverse.", valueName: "channels"))
  public var conv: IntegerList?

  @Option(help: "The side of a convolution's window. (default: 4)")
  public var kernel: Int?

  @Option(help: "How far apart the windows of a convolution are. (default: 2)")
  public var stride: Int?

  @Option(
    help: "How the decoder comes to larger maps: transposed or nearest. (default: transposed)")
  public var upsample: ConvolutionConfiguration.Upsampling?

  @Option(
    help: ArgumentHelp(
      "Residual pairs of convolutions on the smallest map. (default: 0)", valueName: "pairs"))
  public var residual: Int?

  @Flag(help: "Rows of three sides are (H, W, C), not (C, H, W).")
  public var channelsLast = false

  @Flag(help: "Rows are series (T, C) or (T), not pictures.")
  public var series = false

  public init() {}

  public func validate() throws {
    if let conv, conv.values.isEmpty || !conv.values.allSatisfy({ 1...1 << 16 ~= $0 }) {
      throw ValidationError(
        "--conv: expected channels from 1 to 65536, got \(conv.defaultValueDescription)")
    }
    if let kernel, !(1...1024 ~= kernel) {
      throw ValidationError("--kernel: expected 1 to 1024, got \(kernel)")
    }
    if let stride, !(1...(kernel ?? 4) ~= stride) {
      throw ValidationError("--stride: expected 1 to the kernel, \(kernel ?? 4), got \(stride)")
    }
    if let kernel, stride == nil, kernel < 2 {
      throw ValidationError("--kernel 1 needs --stride 1")
    }
    if let residual, !(0...1024 ~= residual) {
      throw ValidationError("--residual: expected 0 to 1024, got \(residual)")
    }
    if channelsLast && series {
      throw ValidationError("--channels-last has no effect with --series")
    }
  }

  /// The convolutions with the channels of a preset where none are given; nil for none.
  func configuration(preset: [Int]?) throws -> ConvolutionConfiguration? {
    guard let channels = conv?.values ?? preset else {
      try refuse(
        [
          "--kernel": kernel != nil, "--stride": stride != nil, "--upsample": upsample != nil,
          "--residual": residual != nil, "--channels-last": channelsLast, "--series": series,
        ], where: "dense layers alone; --conv adds convolutions")
      return nil
    }
    var configuration = ConvolutionConfiguration(channels: channels)
    configuration.kernel = kernel ?? configuration.kernel
    configuration.stride = stride ?? configuration.stride
    configuration.upsampling = upsample ?? configuration.upsampling
    configuration.residual = residual ?? configuration.residual
    if channelsLast { configuration.layout = .channelsLast }
    if series { configuration.layout = .series }
    return configuration
  }
}

extension ConvolutionConfiguration.Upsampling: ExpressibleByArgument {}

/// Options of `vae-fit` under a name, for those who do not know what to choose.
public enum Preset: String, ExpressibleByArgument, CaseIterable, Sendable {
  case mnistDense = "mnist-dense"
  case mnistConv = "mnist-conv"
  case photoConv = "photo-conv"

  var conv: [Int]? {
    switch self {
    case .mnistDense: nil
    case .mnistConv: [32, 64]
    case .photoConv: [32, 64, 128]
    }
  }

  var hidden: [Int] {
    switch self {
    case .mnistDense: [400]
    case .mnistConv: [256]
    case .photoConv: []
    }
  }

  var latent: Int {
    switch self {
    case .mnistDense: 20
    case .mnistConv: 32
    case .photoConv: 128
    }
  }

  var activation: Activation { self == .photoConv ? .silu : .relu }
  var likelihood: String { self == .photoConv ? Gaussian.name : Bernoulli.name }
  var sigma: Sigma? { self == .photoConv ? .learned : nil }

  /// The options that it stands for.
  var options: String {
    func list(_ values: [Int]) -> String { values.map(String.init).joined(separator: ",") }
    var words = conv.map { ["--conv", list($0)] } ?? []
    words += ["--hidden", hidden.isEmpty ? "none" : list(hidden), "--latent", "\(latent)"]
    words += ["--activation", activation.rawValue, "--likelihood", likelihood]
    if sigma == .learned { words += ["--sigma", "learned"] }
    return words.joined(separator: " ")
  }

  /// A line for each: its name, and the options that it stands for.
  public static var table: String {
    let width = allCases.reduce(0) { max($0, $1.rawValue.count) }
    return allCases.map { preset in
      let gap = String(repeating: " ", count: width - preset.rawValue.count + 2)
      return preset.rawValue + gap + preset.options
    }.joined(separator: "\n")
  }
}
