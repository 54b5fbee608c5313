/// A kind of model: its configuration, and how that becomes a network. Everything else follows from
/// the network that it builds. A new kind is a file and a line in `Architectures`.
public protocol Architecture: Codable, Sendable {
  /// The name in a model file's `vae-tools.kind`.
  static var kind: String { get }
  /// The shape of one row, as it came.
  var inputShape: [Int] { get }
  /// Values of the latents, or of what the model gives in their place.
  var latentSize: Int { get }
  /// The weight of the divergence in training.
  var beta: Float { get }
  /// Refuses sizes that make no network.
  ///
  /// - Throws: `ModelError.badConfiguration`.
  func check() throws
  /// Describes the network, and which of its edges are what.
  func build(into network: inout Network) throws -> Roles
}

/// An architecture whose encoder can be trained further under another head.
public protocol EncodingArchitecture: Architecture {
  /// Describes the encoder alone, from the column `x` to the posterior means.
  func buildEncoder(into network: inout Network) throws -> Edge
}

/// The architectures there are.
enum Architectures {
  /// Those whose models a file may hold.
  static var models: [any LatentModel.Type] { [VAE.self, Probe.self] }
  /// Those whose encoders a probe may hold.
  static var encoders: [any EncodingArchitecture.Type] { [VAEConfiguration.self] }
}

/// What the edges of a network are for.
public struct Roles: Sendable {
  /// The column of values, which an encoder reads.
  public var x: Edge
  /// What a latent makes z of; an encoder computes it.
  public var heads: Edge
  /// What a decoder reads.
  public var z: Edge
  /// What the likelihood reads, a decoder computes it; or the logits of classes.
  public var output: Edge
  public var latent: any Latent
  /// What a conditional model knows of each row besides its values.
  public var label: Label?
  /// nil for a network that explains no rows.
  public var likelihood: (any Likelihood)?

  /// The column of labels, 1 at the class of a row and else 0.
  public struct Label: Sendable {
    public let edge: Edge
    /// Ascending.
    public let classes: [Int]
    /// Rows of each class among those that the model learned from.
    public let rows: [Int]
  }

  public init(
    x: Edge, heads: Edge, z: Edge, output: Edge, latent: any Latent, label: Label? = nil,
    likelihood: (any Likelihood)? = nil
  ) {
    self.x = x
    self.heads = heads
    self.z = z
    self.output = output
    self.latent = latent
    self.label = label
    self.likelihood = likelihood
  }
}
