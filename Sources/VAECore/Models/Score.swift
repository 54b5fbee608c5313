/// A number for each row: how well a model explains it.
public enum ScoreTerm: String, Sendable, CaseIterable {
  /// −E[log p(x|z)] + KL(q(z|x) ‖ p(z)), the negative evidence lower bound, in nats.
  case elbo
  /// −E[log p(x|z)], in nats.
  case recon
  /// KL(q(z|x) ‖ p(z)), in nats.
  case kl
  /// The mean over its values of the squared difference between a row and its reconstruction.
  case mse
  /// −log p(x) by importance sampling from the posterior (Burda et al., 2016), in nats.
  case nll
}

/// How scores are computed.
public struct ScoreOptions: Sendable, Equatable {
  public var term = ScoreTerm.elbo
  /// Draws from the posterior for each row.
  public var particles = 1
  /// Reconstruct at the posterior mean, without noise. `nll` has no such form.
  public var atMean = false
  public var seed: UInt64 = 0
  public var precision = Precision.f32

  public init() {}
}
