import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Independent normals of one standard deviation, fixed or learned; the decoder gives means.
public struct Gaussian: Likelihood {
  public static let name = "gaussian"

  private let deviation: Sigma

  /// - Parameter sigma: nil is 1; not `.pixel`.
  public init?(sigma: Sigma? = nil) {
    if sigma == .pixel { return nil }
    if case .fixed(let value) = sigma, !(value > 0 && value.isFinite) { return nil }
    deviation = sigma ?? .fixed(1)
  }

  public var sigma: Sigma? { deviation }

  /// ln σ, where that is learned.
  public var parameters: [ParameterSpec] {
    deviation == .learned
      ? [.init(name: "decoder.log_sigma", shape: [1], initialiser: .constant(0))] : []
  }

  private func logSigma(_ parameters: UnsafePointer<Float>) -> Float {
    if case .fixed(let sigma) = deviation { return log(sigma) }
    return parameters[0]
  }

  public func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>) {
    let logSigma = logSigma(parameters)
    let precision = exp(-2 * Double(logSigma))
    vt_gaussian(
      rows.loss, rows.delta?.base, rows.isBF16, rows.output, rows.targets, rows.rows,
      rows.repeats, rows.width, Float(precision), rows.scale)
    let constant = gaussianConstant(width: rows.width, logSigma: Double(logSigma))
    for i in 0..<rows.rows { rows.loss[i] += constant }
  }

  public func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64
  ) {
    let deviation = exp(logSigma(parameters))
    withNormals(width, seed: seed, row: row) { noise in
      for i in 0..<width { x[i] = output[i] + deviation * noise[i] }
    }
  }

  /// By ln σ: Σ share·(D − Σ(x − μ)²/σ²) / batch.
  public func gradients(
    into gradient: UnsafeMutablePointer<Float>, losses: UnsafeBufferPointer<Double>,
    share: (Int) -> Double, batch: Int, width: Int, parameters: UnsafePointer<Float>
  ) {
    guard deviation == .learned else { return }
    let constant = gaussianConstant(width: width, logSigma: Double(parameters[0]))
    let sum = losses.indices.reduce(0) {
      $0 + (Double(width) - 2 * (losses[$1] - constant)) * share($1)
    }
    gradient[0] = Float(sum / Double(batch))
  }
}

/// D·ln σ + D/2·ln 2π.
func gaussianConstant(width: Int, logSigma: Double) -> Double {
  Double(width) * (logSigma + 0.5 * log(2 * Double.pi))
}
