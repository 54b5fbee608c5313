import FoundationEssentials

/// What a probe is made of.
public struct ProbeConfiguration: Codable, Sendable {
  /// The shape of one row.
  public var inputShape: [Int]
  /// The labels, in the order of the head's outputs: ascending.
  public var classes: [Int]
  /// Between the rows and the head; none where the head reads the rows.
  package var encoder: (any EncoderConfiguration)?

  /// The models whose encoders a file may hold.
  private static let encoders: [any EncoderConfiguration.Type] = [VAEConfiguration.self]

  package init(
    inputShape: [Int], classes: [Int], encoder: (any EncoderConfiguration)? = nil
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
    guard let type = Self.encoders.first(where: { $0.kind == kind }) else {
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

  init(json: String) throws {
    do {
      self = try JSONDecoder().decode(ProbeConfiguration.self, from: Data(json.utf8))
    } catch {
      throw ModelError.badConfiguration("not the configuration of a probe")
    }
  }

  /// Values that the head reads.
  var headInputs: Int { encoder?.latent ?? inputShape.reduce(1, *) }

  /// The most weights that a head has.
  package static let mostWeights = 1 << 24

  /// Labels are kept apart exactly by every reader, f4 included.
  static func isLabel(_ value: Int) -> Bool { -1 << 24 < value && value < 1 << 24 }

  /// The parameters, in the order of the file.
  func layout() throws -> [ParameterSpec] {
    guard let size = try? Shape(inputShape).count, size > 0, !inputShape.contains(0) else {
      throw ModelError.badConfiguration("input shape \(inputShape)")
    }
    guard classes.count > 1, zip(classes, classes.dropFirst()).allSatisfy({ $0 < $1 }),
      classes.allSatisfy(Self.isLabel)
    else { throw ModelError.badConfiguration("the classes of a probe ascend, from two on") }
    let encoding = try encoder?.encoderLayout() ?? []
    guard encoder.map({ $0.inputShape == inputShape }) ?? true else {
      throw ModelError.badConfiguration("the encoder reads rows of another shape")
    }
    guard headInputs <= Self.mostWeights / classes.count else {
      throw ModelError.badConfiguration(
        "\(classes.count) classes of \(headInputs) values need too many weights")
    }
    return encoding
      + linearParameters(
        "head", inputs: headInputs, outputs: classes.count, scheme: .pytorch)
  }
}
