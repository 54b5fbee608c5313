/// A variational autoencoder (Kingma and Welling, "Auto-encoding variational Bayes", 2014) whose
/// encoder and decoder are multi-layer perceptrons, or a plain autoencoder of that shape.
public struct VAEConfiguration: Sendable {
  /// Whether the latents are a distribution.
  public enum Family: String, Codable, Sendable, CaseIterable {
    /// A variational autoencoder.
    case variational = "vae"
    /// A plain autoencoder: no noise, no divergence.
    case plain = "ae"
  }

  /// The shape of one row.
  public var inputShape: [Int]
  public var family = Family.variational
  /// Widths of the encoder's hidden layers; the decoder has them in reverse.
  public var hidden: [Int]
  public var style = HiddenStyle()
  public var scheme = InitialiserScheme.pytorch
  /// Dimensions of the latent space.
  public var latent: Int
  public var likelihood: any Likelihood
  /// The weight of the divergence in training.
  public var beta: Float
  /// The least and the greatest value of the rows it learned from, where that is known.
  public var inputRange: ClosedRange<Float>?
  /// Whether rows become 0 or 1, by what is above 1/2, before the model sees them.
  public var binarizes = false

  public init(
    inputShape: [Int], hidden: [Int] = [400], latent: Int = 20,
    likelihood: any Likelihood = Bernoulli(), beta: Float = 1
  ) {
    self.inputShape = inputShape
    self.hidden = hidden
    self.latent = latent
    self.likelihood = likelihood
    self.beta = beta
  }

  enum CodingKeys: String, CodingKey {
    case inputShape = "input_shape"
    case family = "model"
    case hidden
    case activation, dropout
    case batchNorm = "batch_norm"
    case scheme = "init_scheme"
    case latent, likelihood, sigma, beta
    case inputRange = "input_range"
    case binarizes = "binarize"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    inputShape = try values.decode([Int].self, forKey: .inputShape)
    hidden = try values.decode([Int].self, forKey: .hidden)
    latent = try values.decode(Int.self, forKey: .latent)
    beta = try values.decode(Float.self, forKey: .beta)
    if let range = try values.decodeIfPresent([Float].self, forKey: .inputRange) {
      guard range.count == 2, range[0] <= range[1] else {
        throw DecodingError.dataCorruptedError(
          forKey: .inputRange, in: values, debugDescription: "expected two ascending numbers")
      }
      inputRange = range[0]...range[1]
    }
    binarizes =
      try values.decodeIfPresent(Binarisation.self, forKey: .binarizes) == .threshold
    family = try values.decodeIfPresent(Family.self, forKey: .family) ?? family
    scheme = try values.decodeIfPresent(InitialiserScheme.self, forKey: .scheme) ?? scheme
    style.activation =
      try values.decodeIfPresent(Activation.self, forKey: .activation) ?? style.activation
    style.dropout = try values.decodeIfPresent(Float.self, forKey: .dropout) ?? style.dropout
    style.batchNorm = try values.decodeIfPresent(Bool.self, forKey: .batchNorm) ?? style.batchNorm
    do {
      likelihood = try Likelihoods.named(
        try values.decode(String.self, forKey: .likelihood),
        sigma: try values.decodeIfPresent(Sigma.self, forKey: .sigma))
    } catch let error as LikelihoodError {
      throw DecodingError.dataCorruptedError(
        forKey: .likelihood, in: values, debugDescription: error.description)
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(inputShape, forKey: .inputShape)
    try values.encode(family, forKey: .family)
    try values.encode(hidden, forKey: .hidden)
    try values.encode(style.activation, forKey: .activation)
    try values.encode(style.dropout, forKey: .dropout)
    try values.encode(style.batchNorm, forKey: .batchNorm)
    try values.encode(scheme, forKey: .scheme)
    try values.encode(latent, forKey: .latent)
    try values.encode(beta, forKey: .beta)
    try values.encode(type(of: likelihood).name, forKey: .likelihood)
    try values.encodeIfPresent(likelihood.sigma, forKey: .sigma)
    try values.encodeIfPresent(
      inputRange.map { [$0.lowerBound, $0.upperBound] }, forKey: .inputRange)
    if binarizes { try values.encode(Binarisation.threshold, forKey: .binarizes) }
  }

  /// Refuses sizes that make no network, or whose weights would be more than 2³⁶.
  public func check() throws {
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
  }
}

extension VAEConfiguration: EncodingArchitecture {
  public static var kind: String { "vae" }
  public var latentSize: Int { latent }

  public func build(into network: inout Network) throws -> Roles {
    let x = network.column("x", shape: inputShape)
    let latent: any Latent =
      family == .plain ? PlainLatent(size: self.latent) : GaussianLatent(size: self.latent)
    let heads = try encode(
      x, to: family == .plain ? ["encoder.mean"] : ["encoder.mean", "encoder.logvar"], &network)
    let z = try network.apply(latent, to: heads)
    let last = try stack("decoder", Array(hidden.reversed()), number: hidden.count, on: z, &network)
    let output = try network.apply(
      Dense(
        type(of: likelihood).heads.map { "decoder." + $0 }, outputs: x.width, scheme: scheme),
      to: last)
    network.add(Reconstruction(likelihood), of: output, x)
    return Roles(x: x, heads: heads, z: z, output: output, latent: latent, likelihood: likelihood)
  }

  public func buildEncoder(into network: inout Network) throws -> Edge {
    try encode(network.column("x", shape: inputShape), to: ["encoder.mean"], &network)
  }

  private func encode(_ x: Edge, to heads: [String], _ network: inout Network) throws -> Edge {
    let last = try stack("encoder", hidden, number: 0, on: x, &network)
    return try network.apply(Dense(heads, outputs: latent, scheme: scheme), to: last)
  }

  /// Hidden layers: dense, batch normalisation and dropout where asked for, with an activation.
  ///
  /// - Parameter number: of the first layer among those of the model, for dropout.
  private func stack(
    _ part: String, _ widths: [Int], number: Int, on first: Edge, _ network: inout Network
  ) throws -> Edge {
    var x = first
    for (index, width) in widths.enumerated() {
      let name = "\(part).\(index)"
      x = try network.apply(Dense(name, outputs: width, scheme: scheme), to: x)
      if style.batchNorm { x = try network.apply(BatchNorm(name + ".norm"), to: x) }
      x = try network.apply(style.activation, to: x)
      if style.dropout > 0 {
        x = try network.apply(Dropout(style.dropout, number: number + index), to: x)
      }
    }
    return x
  }
}

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
