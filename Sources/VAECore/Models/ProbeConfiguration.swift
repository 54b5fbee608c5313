/// Softmax regression: labels from rows, or from rows by way of an encoder.
///
/// ln p(k | x) = wₖ·z + bₖ − ln Σ e^(wⱼ·z + bⱼ), where z is the row, or its posterior mean under the
/// encoder. Parameters are `head.weight` [classes, values], `head.bias` [classes] and, in front of
/// them, those of the encoder, as the model it came from has them.
public struct ProbeConfiguration: Codable, Sendable {
  /// The shape of one row.
  public var inputShape: [Int]
  /// The labels, in the order of the head's outputs: ascending.
  public var classes: [Int]
  /// Between the rows and the head; none where the head reads the rows.
  public var encoder: (any EncodingArchitecture)?

  package init(
    inputShape: [Int], classes: [Int], encoder: (any EncodingArchitecture)? = nil
  ) {
    self.inputShape = inputShape
    self.classes = classes
    self.encoder = encoder
  }

  private enum CodingKeys: String, CodingKey {
    case inputShape = "input_shape"
    case classes, encoder
  }

  private enum EncoderKeys: String, CodingKey {
    case kind, config
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    inputShape = try values.decode([Int].self, forKey: .inputShape)
    classes = try values.decode([Int].self, forKey: .classes)
    guard values.contains(.encoder) else { return }
    let nested = try values.nestedContainer(keyedBy: EncoderKeys.self, forKey: .encoder)
    let kind = try nested.decode(String.self, forKey: .kind)
    guard let type = Architectures.encoders.first(where: { $0.kind == kind }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .kind, in: nested, debugDescription: "no such encoder")
    }
    encoder = try type.init(from: nested.superDecoder(forKey: .config))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(inputShape, forKey: .inputShape)
    try values.encode(classes, forKey: .classes)
    guard let own = self.encoder else { return }
    var nested = values.nestedContainer(keyedBy: EncoderKeys.self, forKey: .encoder)
    try nested.encode(type(of: own).kind, forKey: .kind)
    try own.encode(to: nested.superEncoder(forKey: .config))
  }

  /// Values that the head reads.
  var headInputs: Int { encoder?.latentSize ?? inputShape.reduce(1, *) }

  /// The most weights that a head has.
  package static let mostWeights = 1 << 24

  /// Labels are kept apart exactly by every reader, f4 included.
  static func isLabel(_ value: Int) -> Bool { -1 << 24 < value && value < 1 << 24 }

}

extension ProbeConfiguration: Architecture {
  public static var kind: String { "probe" }
  /// Values that the head reads.
  public var latentSize: Int { headInputs }
  /// A probe has no divergence.
  public var beta: Float { 0 }

  public func check() throws {
    guard let size = try? Shape(inputShape).count, size > 0, !inputShape.contains(0) else {
      throw ModelError.badConfiguration("input shape \(inputShape)")
    }
    guard classes.count > 1, zip(classes, classes.dropFirst()).allSatisfy({ $0 < $1 }),
      classes.allSatisfy(Self.isLabel)
    else { throw ModelError.badConfiguration("the classes of a probe ascend, from two on") }
    try encoder?.check()
    guard encoder.map({ $0.inputShape == inputShape }) ?? true else {
      throw ModelError.badConfiguration("the encoder reads rows of another shape")
    }
    guard headInputs <= Self.mostWeights / classes.count else {
      throw ModelError.badConfiguration(
        "\(classes.count) classes of \(headInputs) values need too many weights")
    }
  }

  public func build(into network: inout Network) throws -> Roles {
    let means =
      try encoder?.buildEncoder(into: &network) ?? network.column("x", shape: inputShape)
    let latent = PlainLatent(size: headInputs)
    let z = try network.apply(latent, to: means)
    let logits = try network.apply(Dense("head", outputs: classes.count), to: z)
    network.add(CrossEntropyTerm(), of: logits)
    let x = network.columns["x"] ?? means
    return Roles(x: x, heads: means, z: z, output: logits, latent: latent)
  }
}
