/// How a model is trained: all that its outcome depends on besides the rows and the model. The
/// defaults are those of PyTorch's VAE example.
public struct TrainingOptions: Sendable, Equatable {
  public var epochs = 10
  /// Rows a step.
  public var batch = 128
  public var seed: UInt64 = 0
  public var precision = Precision.f32
  public var objective = Objective()
  public var binarisation = Binarisation.none
  public var optimiser = OptimiserOptions()
  public var schedule = Schedule.constant
  public var annealing = Annealing()
  /// Epochs without a better validation loss after which training ends, with the best parameters.
  public var patience: Int?
  /// Parameters whose names begin so, up to a dot, are left as they are.
  public var freeze: [String] = []

  public init() {}

  var graph: GraphOptions {
    var options = GraphOptions()
    options.batch = batch
    options.precision = precision
    options.seed = seed
    options.objective = objective
    options.binarisation = binarisation
    return options
  }
}

/// Each by the name and in the form of its option of vae-fit.
extension TrainingOptions: Encodable {
  private enum CodingKeys: String, CodingKey {
    case epochs, batch, seed, precision, objective, particles, kl, freeBits, binarize, optimizer
    case lr, adamBetas, adamEps, momentum, nesterov, weightDecay, clipNorm, schedule, warmup
    case cyclical, patience, freeze
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(epochs, forKey: .epochs)
    try values.encode(batch, forKey: .batch)
    try values.encode(seed, forKey: .seed)
    try values.encode(precision, forKey: .precision)
    try values.encode(objective.importanceWeighted ? "iwae" : "elbo", forKey: .objective)
    try values.encode(objective.particles, forKey: .particles)
    try values.encode(objective.divergence, forKey: .kl)
    try values.encode(objective.freeBits, forKey: .freeBits)
    try values.encode(binarisation, forKey: .binarize)
    try values.encode(optimiser.rule, forKey: .optimizer)
    try values.encode(optimiser.learningRate, forKey: .lr)
    try values.encode([optimiser.beta1, optimiser.beta2], forKey: .adamBetas)
    try values.encode(optimiser.epsilon, forKey: .adamEps)
    try values.encode(optimiser.momentum, forKey: .momentum)
    try values.encode(optimiser.nesterov, forKey: .nesterov)
    try values.encode(optimiser.weightDecay, forKey: .weightDecay)
    try values.encodeIfPresent(optimiser.clipNorm, forKey: .clipNorm)
    try values.encode(schedule.description, forKey: .schedule)
    try values.encode(annealing.warmup, forKey: .warmup)
    try values.encode(annealing.periods, forKey: .cyclical)
    try values.encodeIfPresent(patience, forKey: .patience)
    try values.encode(freeze, forKey: .freeze)
  }
}

/// What training does besides, without a trace in the model.
public struct TrainingControl: Sendable {
  /// When checkpoints are written.
  public enum Interval: Sendable, Equatable {
    case epochs(Int)
    case time(Duration)
  }

  public var checkpoint: String?
  public var every = Interval.epochs(1)
  /// Training ends with the step at hand once this has passed.
  public var maxTime: Duration?

  public init() {}
}

/// Which rows are learned from and which are held out.
public struct TrainingRows {
  public let columns: Columns
  public let training: [UInt32]
  public let validation: [UInt32]
  /// Other rows to validate on.
  public let validationColumns: Columns?

  /// The values of the rows.
  public var rows: RowStore { columns.x }

  /// All of `columns`, validated on all of `validationColumns`, if there are any.
  public init(_ columns: Columns, validationColumns: Columns? = nil) {
    self.columns = columns
    training = Array(0..<UInt32(columns.rows))
    validation = validationColumns.map { Array(0..<UInt32($0.rows)) } ?? []
    self.validationColumns = validationColumns
  }

  /// Holds out a share of the rows, drawn by the seed; at least one stays on either side.
  ///
  /// - Throws: `TrainingError.tooFewRows` for fewer than two rows.
  public init(_ columns: Columns, holdingOut fraction: Double, seed: UInt64) throws {
    let rows = columns.x
    guard rows.rows > 1 else { throw TrainingError.tooFewRows(rows.rows) }
    let order = permutation(of: rows.rows, noise: Noise(seed: seed, purpose: .split))
    let held = min(max(Int((Double(rows.rows) * fraction).rounded()), 1), rows.rows - 1)
    self.columns = columns
    validation = order[..<held].sorted()
    training = order[held...].sorted()
    validationColumns = nil
  }
}

extension TrainingRows {
  /// Rows with values alone.
  public init(_ rows: RowStore, validationRows: RowStore? = nil) {
    self.init(Columns(rows), validationColumns: validationRows.map { Columns($0) })
  }

  /// Rows with values alone, of which a share is held out.
  public init(_ rows: RowStore, holdingOut fraction: Double, seed: UInt64) throws {
    try self.init(Columns(rows), holdingOut: fraction, seed: seed)
  }
}

extension VAEConfiguration {
  /// Makes the model conditional on the labels of the rows.
  public mutating func setClasses(_ classes: [Int], of rows: TrainingRows) {
    self.classes = classes
    classRows = Array(repeating: 0, count: classes.count)
    for row in rows.training {
      if let label = rows.columns.labels?[Int(row)] { classRows[Int(label)] += 1 }
    }
  }
}

/// Why training stopped, or did not begin.
public enum TrainingError: Failure, Equatable {
  case noRows(source: String)
  case tooFewRows(Int)
  /// The loss or a gradient is not finite.
  case diverged(epoch: Int, step: Int, what: String)
  case nothingToTrain([String])
  case notACheckpoint(source: String)
  /// The position of a checkpoint cannot be read.
  case brokenCheckpoint(source: String, fault: String)
  /// A checkpoint was made with an option that this version does not know.
  case unknownOption(source: String, option: String)
  case otherRun(source: String, what: String, made: String, asked: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .noRows(let source): "\(source): no rows to learn from"
    case .tooFewRows(let rows): "cannot hold rows out for validation: got \(rows) row"
    case .diverged(let epoch, let step, let what):
      "epoch \(epoch), step \(step): the \(what) is not finite"
    case .nothingToTrain(let names):
      "what is to stay as it is, \(names.joined(separator: ",")): expected names of layers, encoder or "
        + "decoder that leave something to train"
    case .notACheckpoint(let source):
      "\(source): expected a checkpoint, got a model"
    case .brokenCheckpoint(let source, let fault):
      "\(source): the checkpoint's position in the run: \(fault)"
    case .unknownOption(let source, let option):
      "\(source): cannot resume: the checkpoint was made with the option \(option), which this version "
        + "does not know"
    case .otherRun(let source, let what, let made, let asked):
      "\(source): cannot resume: the checkpoint was made with \(what) \(made), asked for \(asked)"
    }
  }
}
