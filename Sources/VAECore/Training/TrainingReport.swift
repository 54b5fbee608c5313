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

/// What the steps since the last such report came to.
public struct StepReport: Sendable, Equatable {
  public var epoch: Int
  /// From 1, over the whole run.
  public var step: Int
  public var training: Losses
  public var gradientNorm: Double
  public var learningRate: Double
  public var beta: Double
  public var imagesPerSecond: Double
}

/// What a trainer says while it runs.
public enum TrainingEvent {
  /// Now and then inside an epoch: the share of it that is done, the mean loss so far, and the
  /// seconds the run will still take.
  case progress(epoch: Int, share: Double, loss: Double, imagesPerSecond: Double, left: Double)
  /// After every hundredth step.
  case steps(StepReport)
  /// After each epoch; seconds are of training alone, since the run began or was resumed.
  case epoch(EpochReport, seconds: Double, imagesPerSecond: Double)
}

/// Sums of losses and of posterior statistics over rows.
struct LossSums: Codable {
  private(set) var rows = 0
  private var objective = 0.0
  private var reconstruction = 0.0
  private var divergence = 0.0
  /// Σμ, Σμ², Σ divergence by latent dimension.
  private var statistics: [Double]

  init(latent: Int) {
    statistics = [Double](repeating: 0, count: 3 * latent)
  }

  /// Adds what a batch of `count` rows came to. False where that is not finite.
  mutating func add(_ batch: BatchLosses, count: Int) -> Bool {
    var sums = (batch.freeNats * Double(count), 0.0, 0.0)
    for row in 0..<count {
      sums.0 += batch.objective[row]
      sums.1 += batch.reconstruction[row]
      sums.2 += batch.divergence[row]
    }
    guard (sums.0 + sums.1 + sums.2).isFinite else { return false }
    rows += count
    objective += sums.0
    reconstruction += sums.1
    divergence += sums.2
    for i in statistics.indices { statistics[i] += batch.statistics[i] }
    return true
  }

  var losses: Losses {
    let count = Double(max(rows, 1))
    return Losses(
      loss: objective / count, reconstruction: reconstruction / count, kl: divergence / count)
  }

  /// What was added since `before`, a part of the same sums; all of it where they began anew.
  func since(_ before: LossSums) -> LossSums {
    guard before.rows < rows else { return self }
    var sums = self
    sums.rows -= before.rows
    sums.objective -= before.objective
    sums.reconstruction -= before.reconstruction
    sums.divergence -= before.divergence
    return sums
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
