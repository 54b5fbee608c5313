#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Figures of the objective, in nats a row: what is minimised, and the terms that it is made of.
public struct Losses: Sendable, Equatable {
  /// What is minimised; with the evidence lower bound, −E[log p(x|z)] + β·KL.
  public var loss: Double
  /// The terms by name: `reconstruction`, −E[log p(x|z)]; `kl`, KL(q(z|x) ‖ p(z)); …
  public var terms: [String: Double]
  /// The loss in bits for each value of a row, where the likelihood is of bytes.
  public var bitsPerDimension: Double?

  public init(loss: Double, terms: [String: Double], bitsPerDimension: Double? = nil) {
    self.loss = loss
    self.terms = terms
    self.bitsPerDimension = bitsPerDimension
  }

  /// Names of terms.
  public static let reconstruction = "reconstruction"
  public static let divergence = "kl"

  /// −E[log p(x|z)]; nil for a model without.
  public var reconstruction: Double? { terms[Self.reconstruction] }
  /// KL(q(z|x) ‖ p(z)); nil for a model without.
  public var kl: Double? { terms[Self.divergence] }
}

extension LatentModel {
  /// The values in a row, where losses are also given in bits for each of them; else nil.
  public var dimensionsInBits: Int? {
    roles.likelihood.flatMap { type(of: $0).reportsBits ? inputSize : nil }
  }
}

/// Bits for each of `dimensions` values.
func bitsPerDimension(nats: Double, dimensions: Int) -> Double {
  nats / (Double(dimensions) * log(2))
}

/// In JSON the terms, whose names are one word, stand beside the loss: {"kl":…,"loss":…,"reconstruction":…}.
extension Losses: Codable {
  struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }

    static let loss = Key(stringValue: "loss")
    static let bits = Key(stringValue: "bitsPerDimension")
  }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    loss = try values.decode(Double.self, forKey: .loss)
    bitsPerDimension = try values.decodeIfPresent(Double.self, forKey: .bits)
    terms = [:]
    for key in values.allKeys
    where ![Key.loss, .bits].map(\.stringValue).contains(key.stringValue) {
      terms[key.stringValue] = try values.decode(Double.self, forKey: key)
    }
  }

  public func encode(to encoder: any Encoder) throws { try encode(to: encoder, prefix: "") }

  /// With a prefix for each key.
  func encode(to encoder: any Encoder, prefix: String) throws {
    var values = encoder.container(keyedBy: Key.self)
    var figures = terms.merging([Key.loss.stringValue: loss], uniquingKeysWith: { $1 })
    figures[Key.bits.stringValue] = bitsPerDimension
    for (name, value) in figures {
      try values.encode(value, forKey: Key(stringValue: prefix + name))
    }
  }
}
