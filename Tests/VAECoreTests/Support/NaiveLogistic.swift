import Foundation

/// −ln p of a byte x = k/255 under the discretised logistic, in Double, by the distribution function
/// at the ends of its bin.
func naiveLogistic(mean: Double, raw: Double, x: Double) -> Double {
  let scale = exp(min(max(raw, -8), 7))
  let k = (255 * x).rounded()
  let (a, b) = (((k + 0.5) / 255 - mean) / scale, ((k - 0.5) / 255 - mean) / scale)
  if k == 0 { return -logSigmoid(a) }
  if k == 255 { return -logSigmoid(-b) }
  // σ(a) − σ(b) = σ(a)·σ(−b)·(1 − e^(b − a))
  return -logSigmoid(a) - logSigmoid(-b) - log(-expm1(-1 / (255 * scale)))
}

private func logSigmoid(_ x: Double) -> Double { min(x, 0) - log1p(exp(-abs(x))) }
