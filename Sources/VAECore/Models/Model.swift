import FoundationEssentials

/// A model with a latent space, of any architecture. The trainer, the model file and the tools know
/// models by this alone.
public protocol LatentModel: AnyObject {
  /// The name in a model file's `vae-tools.kind`.
  static var kind: String { get }
  /// What the model is.
  var architecture: any Architecture { get }
  var network: Network { get }
  var roles: Roles { get }
  var parameters: ParameterStore { get }
  /// The parameters that a model of that configuration has. Takes no memory for them.
  ///
  /// - Throws: `ModelError.badConfiguration`.
  static func layout(configurationJSON: String) throws -> [ParameterSpec]
  /// A model of this kind from `configurationJSON`, parameters still zero.
  init(configurationJSON: String) throws
}

extension LatentModel {
  public var kind: String { Self.kind }
  /// The shape of one row, as it came.
  public var inputShape: [Int] { architecture.inputShape }
  /// Values in a row.
  public var inputSize: Int { inputShape.reduce(1, *) }
  public var latentSize: Int { architecture.latentSize }
  /// The weight of the divergence in training.
  public var beta: Float { architecture.beta }
  /// The configuration, JSON with sorted keys.
  public func configurationJSON() throws -> String { try sortedJSON(architecture) }
}

/// A model: a configuration, the network that it builds, and the parameters of that.
///
/// Parameters are named and laid out as PyTorch's modules have them; see vae-model(5). Not for
/// several threads at once.
public final class Model<Configuration: Architecture>: LatentModel {
  public static var kind: String { Configuration.kind }

  public let configuration: Configuration
  public let network: Network
  public let roles: Roles
  public let parameters: ParameterStore

  public var architecture: any Architecture { configuration }

  /// A model with zero parameters, for what fills them: a file, or training's start.
  ///
  /// - Throws: `ModelError` for sizes below one or beyond reason, `ComputeError`.
  package init(_ configuration: Configuration) throws {
    self.configuration = configuration
    (network, roles) = try configuration.network()
    parameters = try ParameterStore(network.parameters)
  }

  /// A model with the initial weights of a seed.
  ///
  /// - Throws: `ModelError` for sizes below one or beyond reason, `ComputeError`.
  public convenience init(_ configuration: Configuration, seed: UInt64) throws {
    try self.init(configuration)
    parameters.initialise(seed: seed)
  }

  public convenience init(configurationJSON json: String) throws {
    try self.init(Configuration.decoded(from: json))
  }

  public static func layout(configurationJSON json: String) throws -> [ParameterSpec] {
    try Configuration.decoded(from: json).network().0.parameters
  }
}

extension Architecture {
  /// The network, of a configuration that has been checked.
  func network() throws -> (Network, Roles) {
    try check()
    var network = Network()
    let roles = try build(into: &network)
    return (network, roles)
  }

  /// - Throws: `ModelError.badConfiguration`, which names the key that is missing or wrong.
  static func decoded(from json: String) throws -> Self {
    do {
      return try JSONDecoder().decode(Self.self, from: Data(json.utf8))
    } catch let error as DecodingError {
      throw ModelError.badConfiguration("not that of a \(kind): \(error.fault)")
    } catch let error as any Failure {
      throw ModelError.badConfiguration(error.description)
    }
  }
}

extension DecodingError {
  /// What is wrong, in a few words, with the key.
  var fault: String {
    func path(_ context: Context, _ key: (any CodingKey)? = nil) -> String {
      (context.codingPath + (key.map { [$0] } ?? [])).map(\.stringValue).joined(separator: ".")
    }
    switch self {
    case .keyNotFound(let key, let context): return "\(path(context, key)) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(path(context)) is of another type"
    case .dataCorrupted(let context):
      let path = path(context)
      return path.isEmpty ? "no JSON" : "\(path): \(context.debugDescription)"
    @unknown default: return "cannot be read"
    }
  }
}

/// What a model or its file is refused for.
public enum ModelError: Failure, Equatable {
  case badConfiguration(String)
  case unreadableConfiguration(source: String, String)
  case notAModel(source: String, kind: String?)
  case unexpectedTensor(source: String, name: String)

  /// A model to start from has other parameters.
  case differs(name: String, expected: [Int], got: [Int]?)
  case nothingInCommon
  /// The model's latents are no distribution.
  case noPosterior
  /// The model reads rows as they are.
  case noEncoder
  /// The model explains no rows.
  case noDecoder
  /// The rows are to be learned from by their labels, and have none.
  case noLabels
  /// A conditional model was given none.
  case needsLabels
  /// A model of the rows alone was given labels.
  case takesNoLabels
  case unknownLabel(source: String, row: Int, label: Int)
  case unlabelled(source: String, row: Int)
  /// Fewer than rows.
  case labelsEnd(source: String, labels: Int, rows: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .differs(let name, let expected, let got):
      "the model to start from: \(name): expected shape \(expected), got "
        + (got.map { "\($0)" } ?? "no such tensor")
    case .nothingInCommon:
      "the model to start from: no tensor of it fits this one"
    case .noPosterior:
      "the latents of this model have no variance: draws, log-variances, divergence and likelihood "
        + "need a variational autoencoder"
    case .noEncoder: "this probe reads rows as they are: it has no encoder"
    case .noDecoder: "a probe has no decoder: it predicts labels, by probe-predict"
    case .noLabels: "a model of labels needs rows with labels"
    case .needsLabels: "this model is conditional: it needs the label of each row"
    case .takesNoLabels: "this model is not conditional: it takes no labels"
    case .unknownLabel(let source, let row, let label):
      "\(source): row \(row): the model has not learned of label \(label)"
    case .unlabelled(let source, let row):
      "\(source): row \(row): expected a label, got none"
    case .labelsEnd(let source, let labels, let rows):
      "\(source): \(count(labels, "label")), and more rows in \(rows)"
    case .unreadableConfiguration(let source, let what):
      "\(source): the model's configuration: \(what)"
    case .badConfiguration(let what):
      "model configuration: \(what)"
    case .notAModel(let source, let kind):
      "\(source): expected a model, got "
        + (kind.map { "a file of kind \"\($0)\"" } ?? "a safetensors file without vae-tools.kind")
    case .unexpectedTensor(let source, let name):
      "\(source): the model's configuration has no place for tensor \(name)"
    }
  }
}
