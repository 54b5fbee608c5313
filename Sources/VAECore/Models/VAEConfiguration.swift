/// A variational autoencoder (Kingma and Welling, "Auto-encoding variational Bayes", 2014) whose
/// encoder and decoder are multi-layer perceptrons, with convolutions in front of them and behind where
/// asked for, or a plain autoencoder of that shape. Where rows have labels both networks are given
/// them (Sohn, Lee and Yan, "Learning structured output representation using deep conditional
/// generative models", 2015).
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
  /// The convolutions, where there are some.
  public var convolution: ConvolutionConfiguration?
  /// Widths of the encoder's dense hidden layers; the decoder has them in reverse.
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
  /// The labels that a conditional model is given, ascending; none for a model of the rows alone.
  public var classes: [Int] = []
  /// Rows of each class among those that it learned from.
  public var classRows: [Int] = []
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
    case convolution, hidden
    case activation, dropout
    case batchNorm = "batch_norm"
    case scheme = "init_scheme"
    case latent, likelihood, sigma, beta
    case inputRange = "input_range"
    case binarizes = "binarize"
    case classes
    case classRows = "class_rows"
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    inputShape = try values.decode([Int].self, forKey: .inputShape)
    if values.contains(.convolution) {
      convolution = try ConvolutionConfiguration(
        from: values.superDecoder(forKey: .convolution), inputShape: inputShape)
    }
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
    classes = try values.decodeIfPresent([Int].self, forKey: .classes) ?? classes
    classRows = try values.decodeIfPresent([Int].self, forKey: .classRows) ?? classRows
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
    try convolution?.encode(
      to: values.superEncoder(forKey: .convolution), inputShape: inputShape)
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
    if !classes.isEmpty {
      try values.encode(classes, forKey: .classes)
      try values.encode(classRows, forKey: .classRows)
    }
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
    let maps = try convolution?.maps(of: inputShape)
    // The classes are more columns of both networks' first layers.
    let widths = [(maps?.last?.count ?? inputs) + classes.count] + hidden + [latent + classes.count]
    guard maps?.allSatisfy({ $0.count < 1 << 30 }) ?? true else {
      throw ModelError.badConfiguration("convolution of rows of shape \(inputShape)")
    }
    guard widths.allSatisfy({ $0 > 0 && $0 < 1 << 30 }) else {
      throw ModelError.badConfiguration("layer sizes \(widths) must be from 1 to \(1 << 30 - 1)")
    }
    let convolved = maps.map { convolution?.weights($0) ?? 0 } ?? 0
    let weights = zip(widths, widths.dropFirst()).reduce(convolved) {
      $0 + Double($1.0) * Double($1.1)
    }
    guard weights < 0x1p36 else {
      throw ModelError.badConfiguration("layer sizes \(widths) need too many weights")
    }
    guard classes.isEmpty && classRows.isEmpty || classes.count > 1,
      zip(classes, classes.dropFirst()).allSatisfy({ $0 < $1 }),
      classes.allSatisfy(ProbeConfiguration.isLabel), classRows.count == classes.count,
      classRows.allSatisfy({ $0 >= 0 })
    else {
      throw ModelError.badConfiguration(
        "the classes of a conditional model ascend, from two on, with a number of rows each")
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
    let label = classes.isEmpty ? nil : network.column("label", shape: [classes.count])
    let latent: any Latent =
      family == .plain ? PlainLatent(size: self.latent) : GaussianLatent(size: self.latent)
    let heads = try encode(
      x, label, to: family == .plain ? ["encoder.mean"] : ["encoder.mean", "encoder.logvar"],
      &network)
    let z = try network.apply(latent, to: heads)
    let output = try decode(
      label.map { try network.apply(Join(), to: z, $0) } ?? z, size: x.width, &network)
    network.add(Reconstruction(likelihood), of: output, x)
    return Roles(
      x: x, heads: heads, z: z, output: output, latent: latent,
      label: label.map { Roles.Label(edge: $0, classes: classes, rows: classRows) },
      likelihood: likelihood)
  }

  public func buildEncoder(into network: inout Network) throws -> Edge {
    guard classes.isEmpty else { throw ModelError.needsLabels }
    return try encode(
      network.column("x", shape: inputShape), nil, to: ["encoder.mean"], &network)
  }

  private func encode(
    _ x: Edge, _ label: Edge?, to heads: [String], _ network: inout Network
  ) throws -> Edge {
    var last = x
    if let label, convolution == nil { last = try network.apply(Join(), to: x, label) }
    var map: MapShape?
    if let convolution {
      let maps = try convolution.maps(of: inputShape)
      map = maps[maps.count - 1]
      if maps[0].channels > 1, convolution.layout == .channelsFirst {
        last = try network.apply(MoveChannels(of: maps[0], to: .last), to: last)
      }
      for (index, map) in maps.dropLast().enumerated() {
        let name = "encoder.conv.\(index)"
        last = try network.apply(
          Convolution(
            name, on: map, channels: convolution.channels[index], window: convolution.window,
            isSeries: convolution.isSeries, scheme: scheme), to: last)
        if let label, index == 0 {
          let shift = try network.apply(
            Dense(["encoder.label"], outputs: convolution.channels[0], scheme: scheme), to: label)
          last = try network.apply(AddByChannel(), to: last, shift)
        }
        last = try behindSum(name, dropout: 2 * hidden.count + index, last, &network)
      }
      last = try residuals("encoder", convolution, on: maps[maps.count - 1], last, &network)
    }
    last = try stack("encoder", hidden, number: 0, of: map, on: last, &network)
    return try network.apply(
      Dense(heads, outputs: latent, of: hidden.isEmpty ? map : nil, scheme: scheme), to: last)
  }

  private func decode(_ z: Edge, size: Int, _ network: inout Network) throws -> Edge {
    var last = try stack(
      "decoder", Array(hidden.reversed()), number: hidden.count, of: nil, on: z, &network)
    let heads = type(of: likelihood).heads.map { "decoder." + $0 }
    guard let convolution else {
      return try network.apply(Dense(heads, outputs: size, scheme: scheme), to: last)
    }
    let maps = try convolution.maps(of: inputShape)
    let steps = convolution.channels.count
    // Numbers for the noise, behind those of the dense layers and of the encoder's convolutions.
    let number = 2 * hidden.count + steps
    last = try network.apply(
      Dense("decoder.expand", map: maps[steps], scheme: scheme), to: last)
    last = try behindSum("decoder.expand", dropout: number, last, &network)
    last = try residuals("decoder", convolution, on: maps[steps], last, &network)
    func up(_ name: String, from index: Int) throws -> Edge {
      try network.apply(
        convolution.upsampling == .transposed
          ? Convolution(
            transposed: name, from: maps[index], to: maps[index - 1], window: convolution.window,
            isSeries: convolution.isSeries, scheme: scheme)
          : Convolution(
            resizing: name, from: maps[index], to: maps[index - 1],
            isSeries: convolution.isSeries, scheme: scheme), to: last)
    }
    for index in stride(from: steps, to: 1, by: -1) {
      let name = "decoder.conv.\(steps - index)"
      last = try up(name, from: index)
      last = try behindSum(name, dropout: number + 1 + steps - index, last, &network)
    }
    let outputs = try heads.map { head in
      let output = try up(head, from: 1)
      guard maps[0].channels > 1, convolution.layout == .channelsFirst else { return output }
      return try network.apply(MoveChannels(of: maps[0], to: .first), to: output)
    }
    return try outputs.dropFirst().reduce(outputs[0]) { try network.apply(Join(), to: $0, $1) }
  }

  /// Pairs of convolutions whose sum with what they read goes on.
  private func residuals(
    _ part: String, _ convolution: ConvolutionConfiguration, on map: MapShape, _ first: Edge,
    _ network: inout Network
  ) throws -> Edge {
    var x = first
    for index in 0..<convolution.residual {
      func convolve(_ half: Int, _ x: Edge) throws -> Edge {
        let name = "\(part).residual.\(index).\(half)"
        let sums = try network.apply(
          Convolution(
            name, on: map, channels: map.channels, window: .sameSize,
            isSeries: convolution.isSeries, scheme: scheme), to: x)
        return style.batchNorm ? try network.apply(BatchNorm(name + ".norm"), to: sums) : sums
      }
      let inner = try network.apply(style.activation, to: convolve(0, x))
      x = try network.apply(style.activation, to: network.apply(Sum(), to: x, convolve(1, inner)))
    }
    return x
  }

  /// Hidden layers: dense, with what follows.
  ///
  /// - Parameters:
  ///   - number: of the first layer among those of the model, for dropout.
  ///   - map: what the first layer reads, where that is a map.
  private func stack(
    _ part: String, _ widths: [Int], number: Int, of map: MapShape?, on first: Edge,
    _ network: inout Network
  ) throws -> Edge {
    var x = first
    for (index, width) in widths.enumerated() {
      let name = "\(part).\(index)"
      x = try network.apply(
        Dense([name], outputs: width, of: index == 0 ? map : nil, scheme: scheme), to: x)
      x = try behindSum(name, dropout: number + index, x, &network)
    }
    return x
  }

  /// What follows the sums of a hidden layer: batch normalisation and dropout where asked for, with an
  /// activation.
  ///
  /// - Parameter dropout: the number of the layer among those of the model.
  private func behindSum(
    _ name: String, dropout number: Int, _ sums: Edge, _ network: inout Network
  ) throws -> Edge {
    var x = sums
    if style.batchNorm { x = try network.apply(BatchNorm(name + ".norm"), to: x) }
    x = try network.apply(style.activation, to: x)
    return style.dropout > 0
      ? try network.apply(Dropout(style.dropout, number: number), to: x) : x
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
