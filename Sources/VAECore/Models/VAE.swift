import FoundationEssentials

/// The shape of a multi-layer perceptron VAE.
public struct VAEConfiguration: Codable, Sendable, Equatable {
  /// The shape of one row.
  public var inputShape: [Int]
  /// Widths of the encoder's hidden layers; the decoder has them in reverse.
  public var hidden: [Int]
  /// Dimensions of the latent space.
  public var latent: Int
  /// `bernoulli` or `gaussian`.
  public var likelihood: String
  /// The standard deviation of a Gaussian likelihood.
  public var sigma: Float?
  /// The weight of the divergence in training.
  public var beta: Float

  enum CodingKeys: String, CodingKey {
    case inputShape = "input_shape"
    case hidden, latent, likelihood, sigma, beta
  }

  public init(
    inputShape: [Int], hidden: [Int] = [400], latent: Int = 20,
    likelihood: Likelihood = .bernoulli, beta: Float = 1
  ) {
    self.inputShape = inputShape
    self.hidden = hidden
    self.latent = latent
    self.beta = beta
    switch likelihood {
    case .bernoulli:
      self.likelihood = "bernoulli"
    case .gaussian(let sigma):
      self.likelihood = "gaussian"
      self.sigma = sigma
    }
  }
}

/// A variational autoencoder (Kingma and Welling, "Auto-encoding variational Bayes", 2014) whose
/// encoder and decoder are multi-layer perceptrons with rectified hidden layers.
///
/// Parameters are named and laid out as PyTorch's Linear has them: `encoder.0.weight` [out, in],
/// …, `encoder.mean.*`, `encoder.logvar.*`, `decoder.0.*`, …, `decoder.output.*`.
public final class VAE: LatentModel {
  public static let kind = "vae"

  public let configuration: VAEConfiguration
  public let likelihood: Likelihood
  public let parameters: ParameterStore

  public var inputShape: [Int] { configuration.inputShape }
  public var latentSize: Int { configuration.latent }

  /// A model with zero parameters: `parameters.initialise(seed:)` or a file fills them.
  ///
  /// - Throws: `ModelError` for sizes below one or beyond memory.
  public init(_ configuration: VAEConfiguration) throws {
    self.configuration = configuration
    likelihood = try configuration.checkedLikelihood()
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
}

extension VAEConfiguration {
  fileprivate init(json: String) throws {
    do {
      self = try JSONDecoder().decode(VAEConfiguration.self, from: Data(json.utf8))
    } catch {
      throw ModelError.badConfiguration("not the configuration of a VAE")
    }
  }

  /// The parameters, in the order of the file.
  fileprivate func layout() throws -> [ParameterSpec] {
    let inputs = try checkedInputSize()
    var specs: [ParameterSpec] = []
    func linear(_ name: String, _ inputs: Int, _ outputs: Int) {
      let initial = Initialiser.linear(fanIn: inputs)
      specs.append(.init(name: name + ".weight", shape: [outputs, inputs], initialiser: initial))
      specs.append(.init(name: name + ".bias", shape: [outputs], initialiser: initial))
    }
    var width = inputs
    for (index, hidden) in hidden.enumerated() {
      linear("encoder.\(index)", width, hidden)
      width = hidden
    }
    // The two heads lie together and are multiplied as one layer of 2 · latent outputs.
    for (part, shape) in [("weight", [latent, width]), ("bias", [latent])] {
      for head in ["mean", "logvar"] {
        specs.append(
          .init(
            name: "encoder.\(head).\(part)", shape: shape, initialiser: .linear(fanIn: width),
            joined: head == "logvar"))
      }
    }
    width = latent
    for (index, hidden) in hidden.reversed().enumerated() {
      linear("decoder.\(index)", width, hidden)
      width = hidden
    }
    linear("decoder.output", width, inputs)
    return specs
  }

  fileprivate func checkedLikelihood() throws -> Likelihood {
    switch (likelihood, sigma) {
    case ("bernoulli", nil):
      return .bernoulli
    case ("gaussian", let sigma?) where sigma > 0 && sigma.isFinite:
      return .gaussian(sigma: sigma)
    default:
      throw ModelError.badConfiguration("unknown likelihood \(likelihood)")
    }
  }

  /// Refuses sizes that make no network or whose parameters do not fit in 2⁴⁰ bytes.
  fileprivate func checkedInputSize() throws -> Int {
    var inputs = 1
    for size in inputShape {
      let (product, overflow) = inputs.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else {
        throw ModelError.badConfiguration("input shape \(inputShape)")
      }
      inputs = product
    }
    let widths = [inputs] + hidden + [latent]
    guard widths.allSatisfy({ $0 > 0 && $0 < 1 << 31 }) else {
      throw ModelError.badConfiguration("layer sizes \(widths) must be from 1 to 2147483647")
    }
    let weights = zip(widths, widths.dropFirst()).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    guard weights < 0x1p36 else {
      throw ModelError.badConfiguration("layer sizes \(widths) need too many parameters")
    }
    guard beta.isFinite, beta >= 0 else { throw ModelError.badConfiguration("beta \(beta)") }
    return inputs
  }
}

/// JSON with sorted keys: the same value is the same text.
package func sortedJSON<T: Encodable>(_ value: T) throws -> String {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return String(decoding: try encoder.encode(value), as: UTF8.self)
}
