/// Figures of the objective, in nats a row.
public struct Losses: Sendable, Equatable, Codable {
  /// −E[log p(x|z)] + β·KL.
  public var loss: Double
  /// −E[log p(x|z)].
  public var reconstruction: Double
  /// KL(q(z|x) ‖ p(z)).
  public var kl: Double
}

/// How a model came to be: what it takes to train it again, and what came out.
public struct TrainingRecord: Codable, Sendable, Equatable {
  public var seed: UInt64
  /// Rows learned from.
  public var rows: Int
  /// SHA-256 of all rows that came, those held out included, as they lie in memory.
  public var sha256: String
  public var epochs: Int
  public var batch: Int
  public var learningRate: Double
  public var precision: Precision
  /// Rows held out.
  public var validationRows: Int
  /// The last epoch's.
  public var loss: Losses?
  public var validation: Losses?

  enum CodingKeys: String, CodingKey {
    case seed, rows, sha256, epochs, batch, precision, loss, validation
    case learningRate = "learning_rate"
    case validationRows = "validation_rows"
  }
}
