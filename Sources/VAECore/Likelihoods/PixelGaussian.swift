import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Independent normals; the decoder gives a mean and a log-variance, clamped to [−30, 20], for each
/// value.
public struct PixelGaussian: Likelihood {
  public static let name = Gaussian.name
  public static let heads = ["output", "output_logvar"]

  public init() {}

  /// - Parameter sigma: `.pixel`.
  public init?(sigma: Sigma?) {
    guard sigma == .pixel else { return nil }
  }

  public var sigma: Sigma? { .pixel }

  public func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>) {
    vt_gaussian_pixel(
      rows.loss, rows.delta?.base, rows.isBF16, rows.output, rows.targets, rows.rows,
      rows.repeats, rows.width, rows.scale)
    let constant = gaussianConstant(width: rows.width, logSigma: 0)
    for i in 0..<rows.rows { rows.loss[i] += constant }
  }

  public func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64
  ) {
    withNormals(width, seed: seed, row: row) { noise in
      for i in 0..<width {
        x[i] = output[i] + exp(0.5 * min(max(output[width + i], -30), 20)) * noise[i]
      }
    }
  }
}
