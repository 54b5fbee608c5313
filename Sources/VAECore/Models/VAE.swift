#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A variational autoencoder (Kingma and Welling, "Auto-encoding variational Bayes", 2014) whose
/// encoder and decoder are multi-layer perceptrons, or a plain autoencoder of that shape.
///
/// Parameters are named and laid out as PyTorch's Linear and BatchNorm1d have them:
/// `encoder.0.weight` [out, in], …, `encoder.mean.*`, `encoder.logvar.*`, `decoder.0.*`, …,
/// `decoder.output.*`.
public final class VAE: LatentModel {
  public static let kind = "vae"

  public let configuration: VAEConfiguration
  public let parameters: ParameterStore

  public var inputShape: [Int] { configuration.inputShape }
  public var latentSize: Int { configuration.latent }

  /// A model with zero parameters: `parameters.initialise(seed:)` or a file fills them.
  ///
  /// - Throws: `ModelError` for sizes below one or beyond reason, `ComputeError`.
  public init(_ configuration: VAEConfiguration) throws {
    self.configuration = configuration
    parameters = try ParameterStore(try configuration.layout())
  }

  public convenience init(configurationJSON json: String) throws {
    try self.init(VAEConfiguration(json: json))
  }

  public static func layout(configurationJSON json: String) throws -> [ParameterSpec] {
    try VAEConfiguration(json: json).layout()
  }

  /// JSON of `configuration`.
  public func configurationJSON() throws -> String {
    try sortedJSON(configuration)
  }

  /// Starts the decoder's output bias at the mean of the rows, as logits for the Bernoulli, so
  /// that training need not find it.
  public func setOutputBias(fromMeanOf rows: RowStore, indices: [UInt32]) {
    guard let index = parameters.index(of: "decoder.output.bias"), !indices.isEmpty else { return }
    let bias = parameters[index]
    var sums = [Double](repeating: 0, count: bias.count)
    for row in indices {
      let start = Int(row) * bias.count
      if let bytes = rows.bytes {
        for i in sums.indices { sums[i] += Double(bytes[start + i]) / 255 }
      } else if let floats = rows.floats {
        for i in sums.indices { sums[i] += Double(floats[start + i]) }
      }
    }
    for i in bias.indices {
      let mean = sums[i] / Double(indices.count)
      // Pixels that are always 0 or always 1 start where a thousandth of doubt would put them.
      let p = min(max(mean, 1e-3), 1 - 1e-3)
      bias[i] = Float(configuration.likelihood == .bernoulli ? log(p / (1 - p)) : mean)
    }
  }
}
