/// What training minimises, a row.
public struct Objective: Codable, Sendable, Equatable {
  /// How the divergence is computed.
  public enum Divergence: String, Sendable, CaseIterable, Codable {
    /// In closed form.
    case analytic
    /// ln q(z|x) − ln p(z) at the draws.
    case sampled
  }

  /// The importance-weighted bound (Burda, Grosse and Salakhutdinov, "Importance weighted
  /// autoencoders", 2016) in place of the evidence lower bound.
  public var importanceWeighted = false
  /// Draws from the posterior for each row.
  public var particles = 1
  public var divergence = Divergence.analytic
  /// Nats of divergence that each latent dimension has for free, on the mean over a batch (Kingma
  /// et al., "Improved variational inference with inverse autoregressive flow", 2016).
  public var freeBits: Float = 0

  public init() {}

  /// Whether the divergence is taken at the draws.
  var isSampled: Bool { importanceWeighted || divergence == .sampled }
}

/// What inputs are before they are learned from.
public enum Binarisation: String, Sendable, CaseIterable, Codable {
  case none
  /// A fresh draw each time a row is seen, 1 with the probability of its value.
  case dynamic
  /// 1 above one half.
  case threshold
}
