/// How a probe came to be.
public struct ProbeRecord: Encodable, Sendable {
  /// Rows learned from: those that have a label.
  public var rows: Int
  /// SHA-256 of the rows as they lie in memory.
  public var sha256: String
  /// SHA-256 of the labels as 64-bit little-endian integers.
  public var labelsSHA256: String
  /// The share of these rows whose label the probe gives.
  public var accuracy: Double
  /// How the head was fitted.
  public var regression: RegressionRecord?
  /// How encoder and head were trained together.
  public var tuning: TrainingRecord?

  enum CodingKeys: String, CodingKey {
    case rows, sha256
    case labelsSHA256 = "labels_sha256"
    case accuracy, regression, tuning
  }
}

/// Fits probes to labelled rows. The same rows, labels and options give the same probe, bit for bit,
/// for any number of workers. Rows without a label are passed over.
public final class ProbeFitter {
  /// Those that have a label.
  private let rows: RowStore
  private let labels: Labels
  private let options: RegressionOptions
  private let pool: WorkerPool

  /// - Throws: `ProbeError` for labels that do not fit the rows or are all the same.
  public init(
    rows: RowStore, labels: Labels, options: RegressionOptions, pool: WorkerPool
  ) throws {
    try labels.check(rows: rows.rows, of: rows.name)
    self.rows =
      try labels.labelled.map { try rows.selecting($0, name: "labelled rows of \(rows.name)") }
      ?? rows
    self.labels = labels
    self.options = options
    self.pool = pool
  }

  /// A probe that reads the rows as they are.
  ///
  /// - Parameter report: called after each iteration with its number and the mean objective.
  public func fit(report: (Int, Double) -> Void = { _, _ in }) throws -> FittedProbe {
    try labels.check(width: rows.rowSize)
    let probe = try Probe(
      ProbeConfiguration(inputShape: rows.rowShape, classes: labels.classes))
    let record = try fitHead(of: probe, to: RowMatrix(rows), report)
    return try fitted(probe, regression: record)
  }

  /// A probe that reads the rows by the encoder of `model`, both trained on the labels.
  ///
  /// The head is first fitted to the latents as they are, so that training does not begin by
  /// undoing the encoder (Kumar et al., "Fine-tuning can distort pretrained features and underperform
  /// out-of-distribution", 2022).
  ///
  /// - Parameters:
  ///   - source: what messages call the model.
  ///   - reinitialise: begin with fresh weights instead, of encoder and head.
  ///   - report: of the training of encoder and head.
  /// - Throws: `ProbeError.notTunable`, `StreamError.wrongRowSize`, `TrainingError`.
  public func tune(
    _ model: any LatentModel, source: String, reinitialise: Bool, options: TrainingOptions,
    report: (TrainingEvent) throws -> Void
  ) throws -> FittedProbe {
    guard let encoder = model.architecture as? any EncodingArchitecture else {
      throw ProbeError.notTunable(source: source, kind: model.kind)
    }
    guard rows.rowSize == model.inputSize else {
      throw StreamError.wrongRowSize(
        name: rows.name, row: 0, expected: model.inputSize, got: rows.rowSize)
    }
    try labels.check(width: model.latentSize)
    let probe = try Probe(
      ProbeConfiguration(
        inputShape: model.inputShape, classes: labels.classes,
        encoder: encoder))
    var regression: RegressionRecord?
    if reinitialise {
      probe.parameters.initialise(seed: options.seed)
    } else {
      probe.setEncoder(from: model)
      let encoder = try probe.makeEncoder(.mean, precision: .f32, pool: pool)
      let latents = try AlignedBuffer<Float>(count: rows.rows * probe.latentSize)
      try encoder.forEachInput(of: rows) { input, range in
        encoder.apply(
          input, count: range.count, firstRow: range.lowerBound,
          into: latents.base + range.lowerBound * probe.latentSize)
      }
      regression = try fitHead(
        of: probe,
        to: RowMatrix(
          latents.base, rows: rows.rows, width: probe.latentSize, name: rows.name)
      ) { _, _ in }
    }
    let trainer = try Trainer(
      probe, on: TrainingRows(Columns(rows, labels: labels.indices)), options: options, pool: pool)
    _ = try trainer.run(report: report)
    return try fitted(probe, regression: regression, tuning: trainer.record)
  }

  private func fitHead(
    of probe: Probe, to x: RowMatrix, _ report: (Int, Double) -> Void
  ) throws -> RegressionRecord {
    let regression = try SoftmaxRegression(x, labels: labels, options: options, pool: pool)
    let (weights, bias, record) = try regression.fit(report: report)
    probe.setHead(weights: weights, bias: bias)
    guard probe.parameters.isFinite else { throw ProbeError.overflow(source: x.name, row: nil) }
    return record
  }

  /// The probe as it does on the rows it learned from.
  private func fitted(
    _ probe: Probe, regression: RegressionRecord?, tuning: TrainingRecord? = nil
  ) throws -> FittedProbe {
    var confusion = Confusion(classes: labels.classes, unlabelled: labels.unlabelled)
    let predictor = try probe.makePredictor(pool: pool)
    let output = try AlignedBuffer<Float>(count: predictor.capacity * predictor.outputSize)
    try predictor.forEachInput(of: rows) { input, range in
      predictor.apply(
        input, count: range.count, firstRow: range.lowerBound, into: output.base)
      let values = UnsafeBufferPointer(
        start: output.base, count: range.count * predictor.outputSize)
      try probe.forEachPrediction(values, firstRow: range.lowerBound, of: rows.name) {
        confusion.add(
          label: labels.classes[Int(labels.indices[range.lowerBound + $0])], prediction: $1)
      }
    }
    return FittedProbe(
      probe: probe,
      record: ProbeRecord(
        rows: rows.rows, sha256: tuning?.sha256 ?? rows.sha256(),
        labelsSHA256: labels.sha256(), accuracy: confusion.accuracy, regression: regression,
        tuning: tuning), confusion: confusion)
  }
}

/// A probe and how it came to be.
public struct FittedProbe {
  public let probe: Probe
  public let record: ProbeRecord
  /// Of the rows learned from.
  public let confusion: Confusion

  /// What was done, a line each.
  public var summary: [String] {
    let shape = probe.inputShape.map(String.init).joined(separator: "×")
    return ["\(record.rows) rows of \(shape), \(probe.classes.count) classes"]
      + (record.regression.map { ["head: " + $0.summary] } ?? [])
  }

  /// Writes the probe; the same probe and record are the same bytes. The sink is the caller's to
  /// finish.
  public func write(to sink: ByteSink) throws {
    try ModelFile.write(probe, training: sortedJSON(record), to: sink)
  }
}
