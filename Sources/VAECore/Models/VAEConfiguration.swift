import FoundationEssentials

/// The shape of a multi-layer perceptron VAE.
public struct VAEConfiguration: Codable, Sendable, Equatable {
  /// Whether the code is a distribution.
  public enum Code: String, Codable, Sendable, CaseIterable {
    /// A variational autoencoder.
    case variational = "vae"
    /// A plain autoencoder: no noise, no divergence.
    case plain = "ae"
  }

  /// The shape of one row.
  public var inputShape: [Int]
  public var code = Code.variational
  /// Widths of the encoder's hidden layers; the decoder has them in reverse.
  public var hidden: [Int]
  public var style = HiddenStyle()
  public var scheme = InitialiserScheme.pytorch
  /// Dimensions of the latent space.
  public var latent: Int
  public var likelihood: Likelihood
  /// The weight of the divergence in training.
  public var beta: Float

  public init(
    inputShape: [Int], hidden: [Int] = [400], latent: Int = 20,
    likelihood: Likelihood = .bernoulli, beta: Float = 1
  ) {
    self.inputShape = inputShape
    self.hidden = hidden
    self.latent = latent
    self.likelihood = likelihood
    self.beta = beta
  }

  enum CodingKeys: String, CodingKey {
    case inputShape = "input_shape"
    case code = "model"
    case hidden
    case activation, dropout
    case batchNorm = "batch_norm"
    case scheme = "init_scheme"
    case latent, likelihood, sigma, beta
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    inputShape = try values.decode([Int].self, forKey: .inputShape)
    hidden = try values.decode([Int].self, forKey: .hidden)
    latent = try values.decode(Int.self, forKey: .latent)
    beta = try values.decode(Float.self, forKey: .beta)
    code = try values.decodeIfPresent(Code.self, forKey: .code) ?? code
    scheme = try values.decodeIfPresent(InitialiserScheme.self, forKey: .scheme) ?? scheme
    style.activation =
      try values.decodeIfPresent(Activation.self, forKey: .activation) ?? style.activation
    style.dropout = try values.decodeIfPresent(Float.self, forKey: .dropout) ?? style.dropout
    style.batchNorm = try values.decodeIfPresent(Bool.self, forKey: .batchNorm) ?? style.batchNorm
    switch try values.decode(String.self, forKey: .likelihood) {
    case "bernoulli": likelihood = .bernoulli
    case "gaussian": likelihood = .gaussian(try values.decode(Sigma.self, forKey: .sigma))
    default:
      throw DecodingError.dataCorruptedError(
        forKey: .likelihood, in: values, debugDescription: "unknown likelihood")
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(inputShape, forKey: .inputShape)
    try values.encode(code, forKey: .code)
    try values.encode(hidden, forKey: .hidden)
    try values.encode(style.activation, forKey: .activation)
    try values.encode(style.dropout, forKey: .dropout)
    try values.encode(style.batchNorm, forKey: .batchNorm)
    try values.encode(scheme, forKey: .scheme)
    try values.encode(latent, forKey: .latent)
    try values.encode(beta, forKey: .beta)
    switch likelihood {
    case .bernoulli:
      try values.encode("bernoulli", forKey: .likelihood)
    case .gaussian(let sigma):
      try values.encode("gaussian", forKey: .likelihood)
      try values.encode(sigma, forKey: .sigma)
    }
  }

  init(json: String) throws {
    do {
      self = try JSONDecoder().decode(VAEConfiguration.self, from: Data(json.utf8))
    } catch {
      throw ModelError.badConfiguration("not the configuration of a VAE")
    }
  }

  /// Refuses sizes that make no network, or whose weights would be more than 2³⁶.
  func check() throws {
    var inputs = 1
    for size in inputShape {
      let (product, overflow) = inputs.multipliedReportingOverflow(by: size)
      guard size > 0, !overflow else {
        throw ModelError.badConfiguration("input shape \(inputShape)")
      }
      inputs = product
    }
    let widths = [inputs] + hidden + [latent]
    guard widths.allSatisfy({ $0 > 0 && $0 < 1 << 30 }) else {
      throw ModelError.badConfiguration("layer sizes \(widths) must be from 1 to \(1 << 30 - 1)")
    }
    let weights = zip(widths, widths.dropFirst()).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
    guard weights < 0x1p36 else {
      throw ModelError.badConfiguration("layer sizes \(widths) need too many weights")
    }
    guard beta.isFinite, beta >= 0, style.dropout >= 0, style.dropout < 1 else {
      throw ModelError.badConfiguration("beta \(beta), dropout \(style.dropout)")
    }
    if case .gaussian(.fixed(let sigma)) = likelihood, !(sigma > 0 && sigma.isFinite) {
      throw ModelError.badConfiguration("sigma \(sigma)")
    }
  }

  /// The parameters, in the order of the file.
  func layout() throws -> [ParameterSpec] {
    try check()
    let inputs = inputShape.reduce(1, *)
    var specs: [ParameterSpec] = []
    func stack(_ part: String, _ widths: [Int]) {
      for (index, pair) in zip(widths, widths.dropFirst()).enumerated() {
        specs += HiddenLayer.parameters(
          "\(part).\(index)", inputs: pair.0, outputs: pair.1, style: style, scheme: scheme)
      }
    }
    /// Dense layers side by side, whose weights, then biases, lie together and are read as one.
    func heads(_ names: [String], _ inputs: Int, _ outputs: Int) {
      let layers = names.map {
        linearParameters($0, inputs: inputs, outputs: outputs, scheme: scheme)
      }
      for part in 0...1 {
        for (index, layer) in layers.enumerated() {
          specs.append(layer[part].joined(index > 0))
        }
      }
    }
    stack("encoder", [inputs] + hidden)
    heads(
      code == .plain ? ["encoder.mean"] : ["encoder.mean", "encoder.logvar"],
      hidden.last ?? inputs, latent)
    stack("decoder", [latent] + hidden.reversed())
    heads(
      likelihood == .gaussian(.pixel)
        ? ["decoder.output", "decoder.output_logvar"] : ["decoder.output"],
      hidden.first ?? latent, inputs)
    if likelihood == .gaussian(.learned) {
      specs.append(.init(name: "decoder.log_sigma", shape: [1], initialiser: .constant(0)))
    }
    return specs
  }
}
