import CKernels

/// Independent Student-t variables, whose heavy tails let single values lie far off; the decoder
/// gives a location, a scale and degrees of freedom for each value: σ = softplus + 10⁻³ and
/// ν = 3 + softplus, as Mattei and Frellsen have them ("MIWAE", 2019).
public struct StudentT: Likelihood, WithoutSigma {
  public static let name = "student"
  public static let heads = ["output", "output_scale", "output_df"]

  public init() {}

  public func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>) {
    vt_student(
      rows.loss, rows.delta?.base, rows.isBF16, rows.output, rows.targets, rows.rows,
      rows.repeats, rows.width, rows.scale)
  }

  /// By the inverse of the distribution function, so that a value takes one number of the noise,
  /// whatever its degrees of freedom.
  public func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64
  ) {
    withUniforms(width, seed: seed, row: row) { uniforms in
      withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * width) { values in
        guard let sigma = values.baseAddress else { return }
        let nu = sigma + width
        vt_student_parameters(sigma, nu, output + width, output + 2 * width, width)
        // Uniforms are multiples of 2⁻²⁴ from 0 on; half a step keeps them inside (0, 1).
        for i in 0..<width { uniforms[i] = max(uniforms[i], 0x1p-25) }
        vt_student_quantiles(x, uniforms, nu, width)
        for i in 0..<width { x[i] = output[i] + sigma[i] * x[i] }
      }
    }
  }
}
