/// Figures of the objective, in nats a row: what is minimised, and the terms that it is made of.
public struct Losses: Sendable, Equatable {
  /// What is minimised; with the evidence lower bound, −E[log p(x|z)] + β·KL.
  public var loss: Double
  /// The terms by name: `reconstruction`, −E[log p(x|z)]; `kl`, KL(q(z|x) ‖ p(z)); …
  public var terms: [String: Double]

  public init(loss: Double, terms: [String: Double]) {
    self.loss = loss
    self.terms = terms
  }

  /// Names of terms.
  public static let reconstruction = "reconstruction"
  public static let divergence = "kl"

  /// −E[log p(x|z)]; nil for a model without.
  public var reconstruction: Double? { terms[Self.reconstruction] }
  /// KL(q(z|x) ‖ p(z)); nil for a model without.
  public var kl: Double? { terms[Self.divergence] }
}

/// In JSON the terms, whose names are one word, stand beside the loss: {"kl":…,"loss":…,"reconstruction":…}.
extension Losses: Codable {
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    loss = try values.decode(Double.self, forKey: Key(stringValue: "loss"))
    terms = [:]
    for key in values.allKeys where key.stringValue != "loss" {
      terms[key.stringValue] = try values.decode(Double.self, forKey: key)
    }
  }

  public func encode(to encoder: any Encoder) throws { try encode(to: encoder, prefix: "") }

  /// With a prefix for each key.
  func encode(to encoder: any Encoder, prefix: String) throws {
    var values = encoder.container(keyedBy: Key.self)
    for (name, value) in terms.merging(["loss": loss], uniquingKeysWith: { $1 }) {
      try values.encode(value, forKey: Key(stringValue: prefix + name))
    }
  }
}
