#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How a probe's head is fitted.
public struct RegressionOptions: Encodable, Sendable, Equatable {
  /// The weight of ½‖W‖² beside the cross-entropy summed over the rows: scikit-learn's 1 / C.
  public var l2 = 1.0
  /// Fitted when no component of the gradient exceeds it; of the mean objective, by weights scaled
  /// to the spread of their columns.
  public var tolerance = 1e-6
  public var maximumIterations = 1000

  enum CodingKeys: String, CodingKey {
    case l2
    case tolerance = "tol"
    case maximumIterations = "max_iter"
  }

  public init() {}
}

/// How a probe's head was fitted.
public struct RegressionRecord: Encodable, Sendable, Equatable {
  public var options: RegressionOptions
  public var iterations: Int
  /// `converged`; `exhausted` where rounding hid any further descent; else `stopped`.
  public var outcome: String
  /// The mean cross-entropy, in nats a row.
  public var loss: Double
  /// The mean objective, penalty included.
  public var objective: Double

  /// One line.
  public var summary: String {
    let end =
      switch outcome {
      case "stopped": "not converged: allow more iterations, or scale the rows"
      case "exhausted": "converged as far as 32-bit sums tell"
      default: outcome
      }
    return "\(iterations) iterations, \(end); loss \(fixed(loss, 4)) nats a row"
  }
}

/// Multinomial logistic regression: W and b that minimise Σ −ln p(label | row) + ½·l2·‖W‖² over all
/// rows, by L-BFGS from W = 0. The bias is not penalised. The objective is scikit-learn's
/// `LogisticRegression` with C = 1 / l2, divided by the number of rows.
///
/// The rows are taken as they are. Only the search runs in other coordinates, in which columns are
/// centred and weights are scaled by the root of a bound of the objective's curvature: that changes
/// the way to the minimum and not the minimum.
struct SoftmaxRegression {
  private let crossEntropy: CrossEntropy
  private let options: RegressionOptions
  private let penalty: Double
  private let mean: [Double]
  /// By which the search's weights are divided, a column, and its biases.
  private let scale: [Double]
  private let biasScale: Double

  private var d: Int { crossEntropy.x.width }
  private var classes: Int { crossEntropy.classes }
  private var weights: Int { classes * d }

  /// - Throws: `ComputeError`.
  init(
    _ x: RowMatrix, labels: Labels, options: RegressionOptions, pool: WorkerPool
  ) throws {
    let k = labels.classes.count
    crossEntropy = try CrossEntropy(x, labels: labels.indices, classes: k, pool: pool)
    self.options = options
    let penalty = options.l2 / Double(x.rows)
    self.penalty = penalty
    let columns = crossEntropy.columns()
    mean = columns.mean
    // p(1 − p) at p = 1/k, where the search begins.
    let curvature = Double(k - 1) / Double(k * k)
    scale = columns.variance.map { variance in
      let root = (curvature * variance + penalty).squareRoot()
      return root > 0 && root.isFinite ? root : 1
    }
    biasScale = curvature.squareRoot()
  }

  /// - Parameter report: called after each iteration with its number and the mean objective.
  /// - Returns: W [classes, d] and b.
  /// - Throws: `ProbeError.overflow` where the objective is not finite.
  func fit(report: (Int, Double) -> Void) throws -> (
    weights: [Float], bias: [Float], record: RegressionRecord
  ) {
    let source = crossEntropy.x.name
    guard mean.allSatisfy(\.isFinite) else { throw ProbeError.overflow(source: source, row: nil) }
    var u = [Double](repeating: 0, count: weights + classes)
    var raw = u
    let search = LBFGS(
      maximumIterations: options.maximumIterations, tolerance: options.tolerance)
    let (outcome, iterations) = try search.minimise(
      &u,
      { u, gradient in
        let value = evaluate(u, &gradient, &raw).objective
        guard value.isFinite || u.contains(where: { $0 != 0 }) else {
          throw ProbeError.overflow(source: source, row: nil)
        }
        return value
      }, report: report)
    var gradient = u
    let (loss, objective) = evaluate(u, &gradient, &raw)
    let (w, b) = parameters(u)
    return (
      w.map { Float($0) }, b.map { Float($0) },
      RegressionRecord(
        options: options, iterations: iterations, outcome: outcome.rawValue, loss: loss,
        objective: objective)
    )
  }

  /// W and b of a point of the search.
  private func parameters(_ u: [Double]) -> (weights: [Double], bias: [Double]) {
    var w = Array(u[..<weights])
    var b = u[weights...].map { $0 / biasScale }
    for k in 0..<classes {
      for j in 0..<d {
        w[k * d + j] /= scale[j]
        b[k] -= w[k * d + j] * mean[j]
      }
    }
    return (w, b)
  }

  /// Means over the rows at a point of the search, and the objective's gradient there.
  private func evaluate(
    _ u: [Double], _ gradient: inout [Double], _ raw: inout [Double]
  ) -> (loss: Double, objective: Double) {
    let rows = Double(crossEntropy.x.rows)
    let (w, b) = parameters(u)
    let loss = crossEntropy.evaluate(weights: w, bias: b, gradient: &raw) / rows
    var square = 0.0
    for k in 0..<classes {
      let db = raw[weights + k] / rows
      gradient[weights + k] = db / biasScale
      for j in 0..<d {
        let i = k * d + j
        square += w[i] * w[i]
        gradient[i] = (raw[i] / rows + penalty * w[i] - db * mean[j]) / scale[j]
      }
    }
    return (loss, loss + 0.5 * penalty * square)
  }
}
