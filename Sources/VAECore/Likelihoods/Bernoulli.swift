import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Independent Bernoulli variables; the decoder gives logits. x lies in [0, 1].
public struct Bernoulli: Likelihood, WithoutSigma {
  public static let name = "bernoulli"
  public static let isBounded = true

  public init() {}

  /// The logit of the mean. Clamps p to [0.001, 0.999]: a pixel that never changes would have an
  /// infinite logit.
  public func bias(forMean mean: Double) -> Double {
    let p = min(max(mean, 1e-3), 1 - 1e-3)
    return log(p / (1 - p))
  }

  /// - Throws: `LikelihoodError` for a value outside [0, 1].
  public func check(
    _ values: UnsafeBufferPointer<Float>, width: Int, firstRow: Int, of source: String
  ) throws {
    guard let base = values.baseAddress, vt_outside(base, values.count, 0, 1) > 0,
      let bad = values.firstIndex(where: { !(0...1 ~= $0) })
    else { return }
    throw LikelihoodError.targetOutOfRange(
      source: source, row: firstRow + bad / width, value: values[bad])
  }

  public func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>) {
    vt_bernoulli(
      rows.loss, rows.delta?.base, rows.isBF16, rows.output, rows.targets, rows.rows,
      rows.repeats, rows.width, rows.scale)
  }

  public func mean(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int
  ) {
    vt_sigmoid(x, output, width)
  }

  public func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64
  ) {
    mean(output, into: x, width: width)
    withUniforms(width, seed: seed, row: row) { vt_binarise(x, $0, width) }
  }
}
