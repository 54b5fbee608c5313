/// Figures of the objective, in nats a row.
public struct Losses: Sendable, Equatable, Codable {
  /// What is minimised; with the evidence lower bound, −E[log p(x|z)] + β·KL.
  public var loss: Double
  /// −E[log p(x|z)].
  public var reconstruction: Double
  /// KL(q(z|x) ‖ p(z)).
  public var kl: Double

  public init(loss: Double, reconstruction: Double, kl: Double) {
    self.loss = loss
    self.reconstruction = reconstruction
    self.kl = kl
  }
}
