/// Softmax regression: labels from rows, or from rows by way of an encoder.
///
/// ln p(k | x) = wₖ·z + bₖ − ln Σ e^(wⱼ·z + bⱼ), where z is the row, or its posterior mean under the
/// encoder. Parameters are `head.weight` [classes, values], `head.bias` [classes] and, in front of
/// them, those of the encoder, as the model it came from has them.
public final class Probe: LatentModel {
  public static let kind = "probe"

  public let configuration: ProbeConfiguration
  public let parameters: ParameterStore
  /// The class of each row that `makeGraph` is going to be given; empty unless to be trained.
  let labels: [UInt32]

  public var inputShape: [Int] { configuration.inputShape }
  /// Values that the head reads.
  public var latentSize: Int { configuration.headInputs }
  public var classes: [Int] { configuration.classes }
  /// A probe has no divergence.
  public var beta: Float { 0 }

  /// A probe with zero parameters.
  ///
  /// - Parameter labels: positions in `classes`, one for each row to learn from.
  /// - Throws: `ModelError` for a configuration that makes no probe, `ComputeError`.
  public init(_ configuration: ProbeConfiguration, labels: [UInt32] = []) throws {
    self.configuration = configuration
    self.labels = labels
    parameters = try ParameterStore(try configuration.layout())
  }

  public convenience init(configurationJSON json: String) throws {
    try self.init(ProbeConfiguration(json: json))
  }

  public static func layout(configurationJSON json: String) throws -> [ParameterSpec] {
    try ProbeConfiguration(json: json).layout()
  }

  public func configurationJSON() throws -> String {
    try sortedJSON(configuration)
  }

  /// Reads a probe.
  ///
  /// - Throws: as `ModelFile.model(in:)`; `ProbeError.notAProbe`.
  public static func read(_ file: SafetensorsFile) throws -> Probe {
    guard let probe = try ModelFile.model(in: file) as? Probe else {
      throw ProbeError.notAProbe(source: file.name, kind: file.metadata["vae-tools.kind"] ?? "")
    }
    return probe
  }

  /// Sets the head. `weights` are [classes, values].
  package func setHead(weights: [Float], bias: [Float]) {
    for (name, values) in [("head.weight", weights), ("head.bias", bias)] {
      guard let index = parameters.index(of: name) else { continue }
      _ = parameters[index].update(fromContentsOf: values)
    }
  }

  /// Takes over the parameters of the same names, which are those of the encoder.
  package func setEncoder(from model: any LatentModel) {
    for (index, spec) in parameters.specs.enumerated() {
      guard let other = model.parameters.index(of: spec.name) else { continue }
      _ = parameters[index].update(fromContentsOf: model.parameters[other])
    }
  }

  public func makeGraph(rows: RowStore, options: GraphOptions, pool: WorkerPool) throws
    -> any TrainingGraph
  {
    guard let encoder = configuration.encoder else { throw ProbeError.noEncoder }
    precondition(labels.count == rows.rows, "a label for each row")
    return try ProbeGraph(self, encoder: encoder, rows: rows, options: options, pool: pool)
  }

  /// Rows to a probability for each class.
  public func makePredictor(precision: Precision = .f32, pool: WorkerPool) throws
    -> any RowTransform
  {
    try ProbeTransform(self, .probabilities, precision: precision, pool: pool)
  }

  public func makeEncoder(_ output: EncoderOutput, precision: Precision, pool: WorkerPool) throws
    -> any RowTransform
  {
    guard configuration.encoder != nil else { throw ProbeError.noEncoder }
    guard output == .mean else { throw ProbeError.noPosterior }
    return try ProbeTransform(self, .means, precision: precision, pool: pool)
  }

  public func makeDecoder(_ output: DecoderOutput, precision: Precision, pool: WorkerPool) throws
    -> any RowTransform
  {
    throw ProbeError.noDecoder
  }

  public func makeScorer(_ options: ScoreOptions, pool: WorkerPool) throws -> any RowTransform {
    throw ProbeError.noDecoder
  }
}

/// What probes and their labels are refused for.
public enum ProbeError: Failure, Equatable {
  case notAProbe(source: String, kind: String)
  case noEncoder
  case noPosterior
  case noDecoder
  /// The encoder of a model of that kind cannot be trained under a head.
  case notTunable(source: String, kind: String)

  case notLabels(source: String, rowSize: Int)
  case notWhole(source: String, row: Int, value: Float)
  case labelTooLarge(source: String, row: Int, value: Float)
  case labelCount(source: String, expected: Int, rows: String, got: Int)
  case oneClass(source: String, label: Int)
  case tooManyClasses(source: String, classes: Int, width: Int)
  case noRows(source: String)
  /// Sums of products are past the range of f32.
  case overflow(source: String, row: Int?)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .notAProbe(let source, let kind):
      "\(source): expected a probe, as probe-fit writes it, got a file of kind \"\(kind)\""
    case .noEncoder: "this probe reads rows as they are: it has no encoder"
    case .noPosterior: "a probe keeps the means of its encoder only: no --sample, no --logvar"
    case .noDecoder: "a probe has no decoder: it predicts labels, by probe-predict"
    case .notTunable(let source, let kind):
      "\(source): expected a model whose encoder can be trained further, got one of kind \"\(kind)\""

    case .notLabels(let source, let rowSize):
      "\(source): expected one label a row, got rows of \(rowSize) values"
    case .notWhole(let source, let row, let value):
      "\(source): row \(row): expected a whole number for a label, got \(value)"
    case .labelTooLarge(let source, let row, let value):
      "\(source): row \(row): expected a label between -16777216 and 16777216, got \(value)"
    case .labelCount(let source, let expected, let rows, let got):
      "\(source): expected \(expected) labels, one for each row of \(rows), got \(got)"
    case .oneClass(let source, let label):
      "\(source): expected labels of two classes at least, got \(label) only"
    case .tooManyClasses(let source, let classes, let width):
      "\(source): \(classes) classes of \(width) values need more than "
        + "\(ProbeConfiguration.mostWeights) weights"
    case .noRows(let source): "\(source): no rows to learn from"
    case .overflow(let source, let row):
      "\(source): \(row.map { "row \($0): " } ?? "")values are too large to be weighted in 32-bit "
        + "floats; scale them"
    }
  }
}
