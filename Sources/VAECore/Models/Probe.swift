import CKernels

/// A probe: see `ProbeConfiguration`.
public typealias Probe = Model<ProbeConfiguration>

extension Model where Configuration == ProbeConfiguration {
  public var classes: [Int] { configuration.classes }

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
      parameters.setFileValues(index, values)
    }
  }

  /// Takes over the parameters of the same names, which are those of the encoder.
  package func setEncoder(from model: any LatentModel) {
    for (index, spec) in parameters.specs.enumerated() {
      guard let other = model.parameters.index(of: spec.name) else { continue }
      parameters.setFileValues(index, model.parameters.fileValues(other))
    }
  }

  /// Rows to a probability for each class.
  ///
  /// - Throws: `ComputeError`.
  public func makePredictor(precision: Precision = .f32, pool: WorkerPool) throws
    -> any RowTransform
  {
    let classes = classes.count
    return try NetworkTransform(
      self, from: roles.x, to: roles.output, outputSize: classes, precision: precision, pool: pool
    ) { logits, _, p in
      p.update(from: logits, count: classes)
      vt_softmax(p, nil, nil, 1, classes)
    }
  }
}

/// What probes and their labels are refused for.
public enum ProbeError: Failure, Equatable {
  case notAProbe(source: String, kind: String)
  /// The encoder of a model of that kind cannot be trained under a head.
  case notTunable(source: String, kind: String)

  case notLabels(source: String, rowSize: Int)
  case notWhole(source: String, row: Int, value: Float)
  case labelTooLarge(source: String, row: Int, value: Float)
  case labelCount(source: String, expected: Int, rows: String, got: Int)
  case allUnlabelled(source: String)
  case oneClass(source: String, label: Int)
  /// So many different labels that they are hardly classes.
  case continuous(source: String, classes: Int, rows: Int)
  case tooManyClasses(source: String, classes: Int, width: Int)
  case noRows(source: String)
  /// Sums of products are past the range of f32.
  case overflow(source: String, row: Int?)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .notAProbe(let source, let kind):
      "\(source): expected a probe, as probe-fit writes it, got a file of kind \"\(kind)\""
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
    case .allUnlabelled(let source):
      "\(source): expected labels, got none: -1 and NaN stand for no label"
    case .continuous(let source, let classes, let rows):
      "\(source): expected classes, got \(classes) different labels for \(rows) rows, which look "
        + "like a continuous target; cut it into classes"
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
