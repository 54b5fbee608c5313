import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The standard deviation of a Gaussian likelihood.
public enum Sigma: Sendable, Equatable {
  case fixed(Float)
  /// One number for all values, trained as its logarithm.
  case learned
  /// The decoder gives a log-variance for each value, clamped to [−30, 20].
  case pixel
}

/// What the decoder's output means: the distribution of a row x given its latents.
public enum Likelihood: Sendable, Equatable {
  /// Independent Bernoulli variables; the decoder gives logits. x lies in [0, 1].
  case bernoulli
  /// Independent normals; the decoder gives means.
  case gaussian(Sigma)

  /// Values the decoder gives for each value of x.
  var outputsPerValue: Int { self == .gaussian(.pixel) ? 2 : 1 }

  /// Refuses rows that it gives no probability.
  ///
  /// - Throws: `LikelihoodError` for a value outside [0, 1] under the Bernoulli.
  package func check(_ rows: RowStore) throws {
    guard self == .bernoulli, let floats = rows.floats else { return }
    let values = UnsafeBufferPointer(start: floats, count: rows.rows * rows.rowSize)
    if let bad = values.firstIndex(where: { !(0...1 ~= $0) }) {
      throw LikelihoodError.targetOutOfRange(
        source: rows.name, row: bad / rows.rowSize, value: values[bad])
    }
  }

  /// −log p(x | z) for each row of a block of decoder outputs, in nats, with its gradient.
  ///
  /// - Parameters:
  ///   - loss: one value a row.
  ///   - delta: where the gradient by `output` goes, times `scale`; nil for the loss alone.
  ///   - output: f32 [rows, width · outputsPerValue].
  ///   - targets: f32 [rows / repeats, width].
  ///   - logSigma: the logarithm of a learned standard deviation.
  package func loss(
    into loss: UnsafeMutablePointer<Double>, delta: UnsafeMutableRawPointer?, isBF16: Int32,
    output: UnsafePointer<Float>, targets: UnsafePointer<Float>, rows: Int, repeats: Int,
    width: Int, logSigma: Float, scale: Float
  ) {
    let constant: Double
    switch self {
    case .bernoulli:
      return vt_bernoulli(loss, delta, isBF16, output, targets, rows, repeats, width, scale)
    case .gaussian(.pixel):
      vt_gaussian_pixel(loss, delta, isBF16, output, targets, rows, repeats, width, scale)
      constant = Self.constant(width: width, logSigma: 0)
    case .gaussian(let sigma):
      let logSigma = sigma.logarithm ?? logSigma
      let precision = exp(-2 * Double(logSigma))
      vt_gaussian(
        loss, delta, isBF16, output, targets, rows, repeats, width, Float(precision), scale)
      constant = Self.constant(width: width, logSigma: Double(logSigma))
    }
    for i in 0..<rows { loss[i] += constant }
  }

  /// D·ln σ + D/2·ln 2π.
  static func constant(width: Int, logSigma: Double) -> Double {
    Double(width) * (logSigma + 0.5 * log(2 * Double.pi))
  }

  /// The mean of one row of x from the decoder's output.
  package func mean(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int
  ) {
    if self == .bernoulli {
      vt_sigmoid(x, output, width)
    } else {
      x.update(from: output, count: width)
    }
  }

  /// A draw of one row of x, numbered `row` for the noise, from the decoder's output.
  package func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    logSigma: Float, seed: UInt64, row: UInt64
  ) {
    mean(output, into: x, width: width)
    let purpose = NoisePurpose.draw
    withUnsafeTemporaryAllocation(of: Float.self, capacity: width) { noise in
      guard let noise = noise.baseAddress else { return }
      guard case .gaussian(let sigma) = self else {
        vt_uniforms(noise, 1, width, seed, purpose.rawValue, 1, 0, row)
        return vt_binarise(x, noise, width)
      }
      Noise(seed: seed, purpose: purpose, step: 1)
        .normals(into: noise, rows: 1, columns: width, stride: width, firstRow: row)
      for i in 0..<width {
        let deviation =
          sigma == .pixel
          ? exp(0.5 * min(max(output[width + i], -30), 20)) : exp(sigma.logarithm ?? logSigma)
        x[i] += deviation * noise[i]
      }
    }
  }
}

extension Sigma {
  /// ln σ of a fixed one.
  var logarithm: Float? {
    guard case .fixed(let sigma) = self else { return nil }
    return log(sigma)
  }
}

extension Sigma: Codable {
  public init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if let sigma = try? value.decode(Float.self) {
      self = .fixed(sigma)
    } else {
      switch try value.decode(String.self) {
      case "learned": self = .learned
      case "pixel": self = .pixel
      default:
        throw DecodingError.dataCorruptedError(in: value, debugDescription: "unknown sigma")
      }
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var value = encoder.singleValueContainer()
    switch self {
    case .fixed(let sigma): try value.encode(sigma)
    case .learned: try value.encode("learned")
    case .pixel: try value.encode("pixel")
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
