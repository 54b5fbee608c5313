/// The distribution of a row x given what the decoder gives for it: of independent values, each with
/// `heads.count` outputs.
public protocol Likelihood: Sendable {
  /// What configurations and options call it.
  static var name: String { get }
  /// The likelihood with that standard deviation; nil where it has none of that kind.
  init?(sigma: Sigma?)
  /// The standard deviation, where that is the user's to choose.
  var sigma: Sigma? { get }
  /// The dense layers, behind `decoder.`, that give the outputs, `width` of each.
  static var heads: [String] { get }
  /// Parameters of its own.
  var parameters: [ParameterSpec] { get }
  /// The bias of the first head under which the mean of x is `mean`.
  func bias(forMean mean: Double) -> Double
  /// Whether the values that x can have are the likelihood's to say, which `check` does. Of rows for
  /// others a model keeps the range.
  static var isBounded: Bool { get }
  /// Whether losses are also given in bits a dimension, as is usual for bytes.
  static var reportsBits: Bool { get }
  /// Refuses rows [count / width, width] with values that it gives no probability; `firstRow` numbers
  /// them in `source`. Bytes, which are k/255, are never asked about.
  ///
  /// - Throws: `LikelihoodError`.
  func check(
    _ values: UnsafeBufferPointer<Float>, width: Int, firstRow: Int, of source: String) throws
  /// −log p(x | z) of each row, in nats, and its gradient by the outputs.
  ///
  /// - Parameter parameters: the values of its own, in order.
  func loss(_ rows: LikelihoodRows, parameters: UnsafePointer<Float>)
  /// The mean of one row of x [width] from its outputs [heads · width].
  func mean(_ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int)
  /// A draw of one row of x [width], by the noise of `seed` and `row`.
  func draw(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int,
    parameters: UnsafePointer<Float>, seed: UInt64, row: UInt64)
  /// The gradients of its own parameters, of the mean over `batch` rows of x: from the losses of
  /// rows of `width` values, and what each counts for among those that belong to its row of x.
  func gradients(
    into gradient: UnsafeMutablePointer<Float>, losses: UnsafeBufferPointer<Double>,
    share: (Int) -> Double, batch: Int, width: Int, parameters: UnsafePointer<Float>)
}

extension Likelihood {
  public init?(sigma: Sigma?) where Self: WithoutSigma {
    guard sigma == nil else { return nil }
    self.init()
  }
  public var sigma: Sigma? { nil }
  public static var heads: [String] { ["output"] }
  public var parameters: [ParameterSpec] { [] }
  public func bias(forMean mean: Double) -> Double { mean }
  public static var isBounded: Bool { false }
  public static var reportsBits: Bool { false }
  public func check(
    _ values: UnsafeBufferPointer<Float>, width: Int, firstRow: Int, of source: String
  ) throws {}
  /// Refuses rows with values that it gives no probability.
  ///
  /// - Throws: `LikelihoodError`.
  public func check(_ rows: RowStore) throws {
    guard let floats = rows.floats else { return }
    try check(
      UnsafeBufferPointer(start: floats, count: rows.rows * rows.rowSize), width: rows.rowSize,
      firstRow: 0, of: rows.name)
  }
  public func mean(
    _ output: UnsafePointer<Float>, into x: UnsafeMutablePointer<Float>, width: Int
  ) {
    x.update(from: output, count: width)
  }
  public func gradients(
    into gradient: UnsafeMutablePointer<Float>, losses: UnsafeBufferPointer<Double>,
    share: (Int) -> Double, batch: Int, width: Int, parameters: UnsafePointer<Float>
  ) {}
}

/// A likelihood without a standard deviation to choose.
public protocol WithoutSigma { init() }

/// The likelihoods there are. A new one is a file and a line here.
public enum Likelihoods {
  static let all: [any Likelihood.Type] = [
    Bernoulli.self, Gaussian.self, PixelGaussian.self, StudentT.self, Logistic.self,
  ]

  /// Their names, in order.
  public static var names: [String] {
    all.reduce(into: []) { names, type in
      if !names.contains(type.name) { names.append(type.name) }
    }
  }

  /// The likelihood of that name and standard deviation.
  ///
  /// - Throws: `LikelihoodError.unknown` for another name, `.noSigma` where it has no such
  ///   standard deviation.
  public static func named(_ name: String, sigma: Sigma? = nil) throws -> any Likelihood {
    let types = all.filter { $0.name == name }
    guard !types.isEmpty else { throw LikelihoodError.unknown(name) }
    for type in types {
      if let likelihood = type.init(sigma: sigma) { return likelihood }
    }
    throw LikelihoodError.noSigma(name)
  }
}

/// Rows for a likelihood to judge.
public struct LikelihoodRows {
  /// −log p(x | z), [rows].
  public let loss: UnsafeMutablePointer<Double>
  /// Where the gradient by the outputs goes, times `scale`: [rows, heads · width]; nil for the loss
  /// alone.
  public let delta: RowTarget?
  /// f32 [rows, heads · width]
  public let output: UnsafePointer<Float>
  /// x, f32 [rows / repeats, width]
  public let targets: UnsafePointer<Float>
  public let rows: Int
  /// Rows that belong to one row of x.
  public let repeats: Int
  /// Values of x in a row.
  public let width: Int
  public let scale: Float

  public init(
    loss: UnsafeMutablePointer<Double>, delta: RowTarget?, output: UnsafePointer<Float>,
    targets: UnsafePointer<Float>, rows: Int, repeats: Int = 1, width: Int, scale: Float = 1
  ) {
    self.loss = loss
    self.delta = delta
    self.output = output
    self.targets = targets
    self.rows = rows
    self.repeats = repeats
    self.width = width
    self.scale = scale
  }

  /// 1 where the gradient is bf16, else 0.
  public var isBF16: Int32 { delta?.isBF16 ?? 0 }
}

/// The standard deviation of a Gaussian likelihood.
public enum Sigma: Sendable, Equatable {
  case fixed(Float)
  /// One number for all values, trained as its logarithm.
  case learned
  /// The decoder gives a log-variance for each value, clamped to [−30, 20].
  case pixel
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

/// What a likelihood, or rows for one, are refused for.
public enum LikelihoodError: Failure, Equatable {
  case unknown(String)
  /// The likelihood of that name has no standard deviation of that kind to choose.
  case noSigma(String)
  case targetOutOfRange(source: String, row: Int, value: Float)
  case targetBetweenLevels(source: String, row: Int, value: Float)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .unknown(let name): "no likelihood is called \(name)"
    case .noSigma(let name): "the likelihood \(name) has no such standard deviation"
    case .targetOutOfRange(let source, let row, let value):
      "\(source): row \(row): expected values in [0, 1] for the Bernoulli likelihood, got "
        + "\(value)"
    case .targetBetweenLevels(let source, let row, let value):
      "\(source): row \(row): expected multiples of 1/255 in [0, 1] for the logistic likelihood, "
        + "got \(value)"
    }
  }
}
