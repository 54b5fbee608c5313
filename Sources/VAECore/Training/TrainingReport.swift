/// What an epoch came to.
public struct EpochReport: Sendable, Equatable {
  /// From 1.
  public var epoch: Int
  public var epochs: Int
  /// Means over the rows, each as the model was when it met them.
  public var training: Losses
  /// Over the rows held out, after the epoch.
  public var validation: Losses?
  /// Latent dimensions whose posterior mean has a variance above 0.01 over the epoch's rows
  /// (Burda et al., "Importance weighted autoencoders", 2016).
  public var activeUnits: Int
  public var latent: Int
  /// Root mean square over the epoch's steps of the gradient's norm.
  public var gradientNorm: Double
  public var learningRate: Double
  public var beta: Double
  public var steps: Int
  /// Of training alone, validation not included.
  public var seconds: Double
  public var imagesPerSecond: Double
}

/// What a trainer says while it runs.
public enum TrainingEvent {
  /// Now and then inside an epoch: the share of it that is done, the mean loss so far, and the
  /// seconds the run will still take.
  case progress(epoch: Int, share: Double, loss: Double, imagesPerSecond: Double, left: Double)
  case epoch(EpochReport)
}

/// Sums of losses and of posterior means over rows.
struct LossSums {
  private(set) var rows = 0
  private var reconstruction = 0.0
  private var divergence = 0.0
  private var means: [Double]
  private var squares: [Double]

  init(latent: Int) {
    means = [Double](repeating: 0, count: latent)
    squares = means
  }

  /// Adds the graph's batch. False where its loss is not finite.
  mutating func add(_ graph: any TrainingGraph) -> Bool {
    let count = graph.batch.indices.count
    var batchReconstruction = 0.0
    var batchDivergence = 0.0
    for row in 0..<count {
      batchReconstruction += graph.reconstruction[row]
      batchDivergence += graph.divergence[row]
    }
    guard (batchReconstruction + batchDivergence).isFinite else { return false }
    reconstruction += batchReconstruction
    divergence += batchDivergence
    rows += count
    let values = graph.means
    let stride = graph.meansStride
    means.withUnsafeMutableBufferPointer { means in
      squares.withUnsafeMutableBufferPointer { squares in
        for row in 0..<count {
          for i in means.indices {
            let value = Double(values[row * stride + i])
            means[i] += value
            squares[i] += value * value
          }
        }
      }
    }
    return true
  }

  func losses(beta: Double) -> Losses {
    let count = Double(max(rows, 1))
    return Losses(
      loss: (reconstruction + beta * divergence) / count, reconstruction: reconstruction / count,
      kl: divergence / count)
  }

  var activeUnits: Int {
    let count = Double(max(rows, 1))
    return means.indices.count {
      squares[$0] / count - (means[$0] / count) * (means[$0] / count) > 0.01
    }
  }
}
