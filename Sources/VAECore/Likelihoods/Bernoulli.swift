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

  public init() {}

  /// The logit of the mean. Clamps p to [0.001, 0.999]: a pixel that never changes would have an
  /// infinite logit.
  public func bias(forMean mean: Double) -> Double {
    let p = min(max(mean, 1e-3), 1 - 1e-3)
    return log(p / (1 - p))
  }

  /// - Throws: `LikelihoodError` for a value outside [0, 1].
  public func check(_ rows: RowStore) throws {
    guard let floats = rows.floats else { return }
    let values = UnsafeBufferPointer(start: floats, count: rows.rows * rows.rowSize)
    if let bad = values.firstIndex(where: { !(0...1 ~= $0) }) {
      throw LikelihoodError.targetOutOfRange(
        source: rows.name, row: bad / rows.rowSize, value: values[bad])
    }
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
