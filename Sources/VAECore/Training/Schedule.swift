#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How the learning rate moves over a run.
public enum Schedule: Sendable, Equatable {
  case constant
  /// Half a cosine from the full rate to 0, step by step (Loshchilov and Hutter, 2017).
  case cosine
  /// Times `factor` after each `epochs` epochs.
  case step(epochs: Int, factor: Double)
  /// Stage i = 0, 1, … has 3^i epochs at the rate times 10^(−i/7) (Burda et al., 2016).
  case stages(Int)

  /// The epochs of all stages; nil for schedules that fit any length.
  public var epochs: Int? {
    guard case .stages(let count) = self else { return nil }
    return (0..<count).reduce(0) { sum, _ in 3 * sum + 1 }
  }

  /// What the rate is multiplied by after `done` epochs and fractions of one, of `epochs`.
  package func rate(done: Double, epochs: Int) -> Double {
    switch self {
    case .constant:
      return 1
    case .cosine:
      return 0.5 * (1 + cos(Double.pi * min(1, done / Double(max(epochs, 1)))))
    case .step(let length, let factor):
      return pow(factor, (done / Double(length)).rounded(.down))
    case .stages(let count):
      var stage = 0
      var end = 1.0
      while stage < count - 1, done >= end {
        stage += 1
        end = 3 * end + 1
      }
      return pow(10, -Double(stage) / 7)
    }
  }
}

/// As the option has it.
extension Schedule: CustomStringConvertible {
  public var description: String {
    switch self {
    case .constant: "constant"
    case .cosine: "cosine"
    case .step(let epochs, let factor): "step:\(epochs),\(factor)"
    case .stages(let count): "stages:\(count)"
    }
  }
}

/// How the weight of the divergence moves over a run, as a share of β.
public struct Annealing: Sendable, Equatable {
  /// Epochs in which it rises in a line from 0 to 1.
  public var warmup = 0.0
  /// Where not 0: as many equal periods, in the first half of each of which it rises from 0 to 1
  /// (Fu et al., "Cyclical annealing schedule", 2019).
  public var periods = 0

  public init() {}

  func factor(done: Double, epochs: Int) -> Double {
    if periods > 0 {
      let length = Double(epochs) / Double(periods)
      return min(1, 2 * done.truncatingRemainder(dividingBy: length) / length)
    }
    return warmup > 0 ? min(1, done / warmup) : 1
  }
}
