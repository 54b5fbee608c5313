/// What an epoch came to.
public struct EpochReport: Sendable, Equatable, Codable {
  /// From 1.
  public var epoch: Int
  public var epochs: Int
  /// Means over the rows, each as the model was when it met them.
  public var training: Losses
  /// Over the rows held out, after the epoch, at the full β.
  public var validation: Losses?
  /// The divergence of each latent dimension, in nats a row.
  public var klByDimension: [Double]
  /// Latent dimensions whose posterior mean has a variance above 0.01 over the epoch's rows
  /// (Burda et al., "Importance weighted autoencoders", 2016).
  public var activeUnits: Int
  /// Root mean square over the epoch's steps of the gradient's norm.
  public var gradientNorm: Double
  public var learningRate: Double
  public var beta: Double
  public var steps: Int

  public var latent: Int { klByDimension.count }
}

extension EpochReport {
  enum CodingKeys: String, CodingKey {
    case epoch, epochs, training, validation, klByDimension, activeUnits, gradientNorm
    case learningRate = "lr"
    case beta, steps
  }

  /// The rate as version 0.1 called it.
  private enum EarlierKeys: String, CodingKey { case learningRate }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    epoch = try values.decode(Int.self, forKey: .epoch)
    epochs = try values.decode(Int.self, forKey: .epochs)
    training = try values.decode(Losses.self, forKey: .training)
    validation = try values.decodeIfPresent(Losses.self, forKey: .validation)
    klByDimension = try values.decode([Double].self, forKey: .klByDimension)
    activeUnits = try values.decode(Int.self, forKey: .activeUnits)
    gradientNorm = try values.decode(Double.self, forKey: .gradientNorm)
    learningRate =
      try values.decodeIfPresent(Double.self, forKey: .learningRate)
      ?? decoder.container(keyedBy: EarlierKeys.self).decode(Double.self, forKey: .learningRate)
    beta = try values.decode(Double.self, forKey: .beta)
    steps = try values.decode(Int.self, forKey: .steps)
  }
}

/// What the steps since the last such report came to.
public struct StepReport: Sendable, Equatable {
  public var epoch: Int
  /// From 1, over the whole run.
  public var step: Int
  public var training: Losses
  public var gradientNorm: Double
  public var learningRate: Double
  public var beta: Double
  public var rowsPerSecond: Double
}

/// What a trainer says while it runs.
public enum TrainingEvent {
  /// Now and then inside an epoch: the share of it that is done, the mean loss so far, and the
  /// seconds the run will still take.
  case progress(epoch: Int, share: Double, loss: Double, rowsPerSecond: Double, left: Double)
  /// After every hundredth step.
  case steps(StepReport)
  /// After each epoch; seconds are of training alone, since the run began or was resumed.
  case epoch(EpochReport, seconds: Double, rowsPerSecond: Double)
}

/// Sums of losses and of posterior statistics over rows.
struct LossSums: Codable {
  private(set) var rows = 0
  private var objective = 0.0
  /// By the names of the terms.
  private var terms: [String: Double] = [:]
  /// Σμ, Σμ², Σ divergence by latent dimension, of all latents one after the other: [3, latent].
  private var statistics: [Double]

  init(latent: Int) {
    statistics = [Double](repeating: 0, count: 3 * latent)
  }

  /// Adds what a batch of `count` rows came to. False where that is not finite.
  mutating func add(_ batch: BatchLosses, count: Int) -> Bool {
    func sum(_ values: UnsafePointer<Double>, from first: Double = 0) -> Double {
      (0..<count).reduce(first) { $0 + values[$1] }
    }
    let total = sum(batch.objective, from: batch.freeNats * Double(count))
    let parts = batch.terms.map { ($0.name, sum($0.values)) }
    guard parts.reduce(total, { $0 + $1.1 }).isFinite else { return false }
    rows += count
    objective += total
    for (name, part) in parts { terms[name, default: 0] += part }
    var first = 0
    for (size, values) in batch.latents {
      for part in 0..<3 {
        for i in 0..<size { statistics[part * latent + first + i] += values[part * size + i] }
      }
      first += size
    }
    return true
  }

  /// Means over the rows; in bits, too, for each of `dimensions` values, where these are given.
  func losses(inBitsOf dimensions: Int?) -> Losses {
    let count = Double(max(rows, 1))
    let loss = objective / count
    return Losses(
      loss: loss, terms: terms.mapValues { $0 / count },
      bitsPerDimension: dimensions.map { bitsPerDimension(nats: loss, dimensions: $0) })
  }

  /// What was added since `before`, a part of the same sums.
  func since(_ before: LossSums) -> LossSums {
    var sums = self
    sums.rows -= before.rows
    sums.objective -= before.objective
    for (name, part) in before.terms { sums.terms[name, default: 0] -= part }
    return sums
  }

  /// Adds sums over other rows.
  mutating func add(_ other: LossSums) {
    rows += other.rows
    objective += other.objective
    for (name, part) in other.terms { terms[name, default: 0] += part }
  }

  /// Whether these are sums of a model with so many latent dimensions.
  func fits(latent: Int) -> Bool {
    rows >= 0 && objective.isFinite && terms.values.allSatisfy(\.isFinite)
      && statistics.count == 3 * latent && statistics.allSatisfy(\.isFinite)
  }

  private var latent: Int { statistics.count / 3 }

  var klByDimension: [Double] {
    statistics[(2 * latent)...].map { $0 / Double(max(rows, 1)) }
  }

  var activeUnits: Int {
    let count = Double(max(rows, 1))
    return (0..<latent).count {
      let mean = statistics[$0] / count
      return statistics[latent + $0] / count - mean * mean > 0.01
    }
  }
}

extension LossSums {
  private enum CodingKeys: String, CodingKey {
    case rows, objective, terms, statistics
    /// The terms as version 0.1 wrote them.
    case reconstruction, divergence
  }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    rows = try values.decode(Int.self, forKey: .rows)
    objective = try values.decode(Double.self, forKey: .objective)
    statistics = try values.decode([Double].self, forKey: .statistics)
    terms =
      try values.decodeIfPresent([String: Double].self, forKey: .terms)
      ?? [
        Losses.reconstruction: values.decode(Double.self, forKey: .reconstruction),
        Losses.divergence: values.decode(Double.self, forKey: .divergence),
      ]
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(rows, forKey: .rows)
    try values.encode(objective, forKey: .objective)
    try values.encode(terms, forKey: .terms)
    try values.encode(statistics, forKey: .statistics)
  }
}
