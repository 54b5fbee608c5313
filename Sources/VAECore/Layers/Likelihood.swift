import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the decoder's output means: the distribution of a row x given its latents.
public enum Likelihood: Sendable, Equatable {
  /// Independent Bernoulli variables; the decoder gives logits. x lies in [0, 1].
  case bernoulli
  /// Independent normals with one standard deviation; the decoder gives means.
  case gaussian(sigma: Float)

  /// Refuses rows that it gives no probability.
  ///
  /// - Throws: `LikelihoodError.targetOutOfRange` for a value outside [0, 1] under the Bernoulli.
  package func check(_ rows: RowStore) throws {
    guard self == .bernoulli, let floats = rows.floats else { return }
    let values = UnsafeBufferPointer(start: floats, count: rows.rows * rows.rowSize)
    if let bad = values.firstIndex(where: { !(0...1 ~= $0) }) {
      throw LikelihoodError.targetOutOfRange(
        source: rows.name, row: bad / rows.rowSize, value: values[bad])
    }
  }

  /// −log p(x | z) for each row of a block, in nats, with its gradient.
  ///
  /// - Parameters:
  ///   - loss: one value a row.
  ///   - delta: where the gradient by `output` goes, times `scale`; nil for the loss alone.
  ///   - output: the decoder's output, f32 [rows, width]; `targets` likewise.
  package func loss(
    into loss: UnsafeMutablePointer<Double>, delta: Matrix?, row: Int,
    output: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, width: Int,
    scale: Float
  ) {
    let gradient = delta.map { $0[row] }
    let bf16 = delta?.isBF16 ?? 0
    switch self {
    case .bernoulli:
      vt_bernoulli(loss, gradient, bf16, output, targets, rows, width, scale)
    case .gaussian(let sigma):
      vt_gaussian(
        loss, gradient, bf16, output, targets, rows, width, 1 / (sigma * sigma), scale)
      let constant = Double(width) * (log(Double(sigma)) + 0.5 * log(2 * Double.pi))
      for i in 0..<rows { loss[i] += constant }
    }
  }

  /// The mean of x from the decoder's output, in place.
  package func mean(_ output: UnsafeMutablePointer<Float>, count: Int) {
    if self == .bernoulli { vt_sigmoid(output, output, count) }
  }

  /// Replaces the mean of one row by a draw, numbered `row` for the noise.
  package func draw(_ x: UnsafeMutablePointer<Float>, count: Int, seed: UInt64, row: UInt64) {
    let noise = Noise(seed: seed, purpose: .draw, step: 1)
    switch self {
    case .bernoulli:
      var generator = NoiseGenerator(noise, row: row)
      for i in 0..<count { x[i] = generator.nextUnit() < x[i] ? 1 : 0 }
    case .gaussian(let sigma):
      withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { normals in
        guard let base = normals.baseAddress else { return }
        noise.normals(into: base, rows: 1, columns: count, stride: count, firstRow: row)
        for i in 0..<count { x[i] += sigma * base[i] }
      }
    }
  }
}

/// Rows that a likelihood cannot explain.
public enum LikelihoodError: Failure, Equatable {
  case targetOutOfRange(source: String, row: Int, value: Float)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .targetOutOfRange(let source, let row, let value):
      "\(source): row \(row): expected values in [0, 1] for the Bernoulli likelihood, got "
        + "\(value); scale the rows, or use --likelihood gaussian"
    }
  }
}
