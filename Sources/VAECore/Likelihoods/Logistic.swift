import CKernels

/// Independent discretised logistic variables, for bytes: x is k/255, and has the probability that a
/// logistic variable has of lying nearer to it than to the other 255 levels; all below 0 counts as
/// 0, all above 1 as 1. The decoder gives a location and the logarithm of a scale for each value,
/// both in units in which x goes from 0 to 1; the log-scale is clamped to [−8, 7].
///
/// After Kingma et al. ("Improved variational inference with inverse autoregressive flow", 2016) and
/// Salimans et al. ("PixelCNN++", 2017). The loss is that of the interval itself in the tails, too:
/// `vt_logistic` has a form of it that does not cancel.
public struct Logistic: Likelihood, WithoutSigma {
  public static let name = "logistic"
  public static let heads = ["output", "output_logscale"]
  public static let isBounded = true
  public static let reportsBits = true

  public init() {}

  /// - Throws: `LikelihoodError.targetBetweenLevels` for a value that is not within 10⁻⁴ of a k/255.
  public func check(
    _ values: UnsafeBufferPointer<Float>, width: Int, firstRow: Int, of source: String
  ) throws {
    guard let base = values.baseAddress, vt_off_levels(base, values.count) > 0,
      let bad = values.indices.first(where: { vt_off_levels(base + $0, 1) > 0 })
    else { return }
    throw LikelihoodError.targetBetweenLevels(
      source: source, row: firstRow + bad / width, value: values[bad])
  }

  public func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>) {
    vt_logistic(
      rows.loss, rows.delta?.base, rows.isBF16, rows.output, rows.targets, rows.rows,
      rows.repeats, rows.width, rows.scale)
  }

  /// The location, brought into [0, 1]: the median, before x is rounded to a level.
  public func mean(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int
  ) {
    for i in 0..<width { x[i] = min(max(output[i], 0), 1) }
  }

  /// By the inverse of the distribution function, so that a value takes one number of the noise.
  public func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64
  ) {
    withUniforms(width, seed: seed, row: row) { uniforms in
      // Uniforms are multiples of 2⁻²⁴ from 0 on; half a step keeps them inside (0, 1).
      for i in 0..<width { uniforms[i] = max(uniforms[i], 0x1p-25) }
      vt_logistic_draw(x, uniforms, output, output + width, width)
    }
  }
}
