/// The figures of a run as JSON lines, for `tail -f` and for plots: a record each hundred steps
/// (`"event":"steps"`), one an epoch (`"epoch"`), and one at the end (`"end"`). The fields are
/// described in vae-fit(1).
public final class TrainingLog {
  private let lines: LineFile

  public init(_ lines: LineFile) { self.lines = lines }

  /// Writes the event's record at once; progress has none.
  public func write(_ event: TrainingEvent) throws {
    switch event {
    case .progress:
      break
    case .steps(let report):
      try write(
        Record(
          event: "steps", epoch: report.epoch, step: report.step, losses: report.training,
          gradientNorm: report.gradientNorm, learningRate: report.learningRate,
          beta: report.beta, rowsPerSecond: report.rowsPerSecond))
    case .epoch(let report, let seconds, let rowsPerSecond):
      try write(
        Record(
          event: "epoch", report, seconds: seconds, rowsPerSecond: rowsPerSecond))
    }
  }

  /// Writes the last record, which sums the run up, and closes the file.
  public func finish(_ trainer: Trainer, outcome: Trainer.Outcome) throws {
    if let last = trainer.state.kept {
      var record = Record(event: "end", last)
      record.outcome = outcome.word
      record.step = trainer.state.step
      record.rows = trainer.rows.training.count
      record.parameters = trainer.model.parameters.count
      try write(record)
    }
    try lines.finish()
  }

  private func write(_ record: Record) throws {
    try lines.write(try sortedJSON(record))
  }
}

/// A line of the log. Fields that an event has no figure for are left out.
private struct Record: Encodable {
  let event: String
  var epoch: Int
  var epochs: Int?
  var step: Int?
  var steps: Int?
  /// `loss`, `reconstruction`, `kl`, …
  var training: Losses
  /// `valid_loss`, `valid_reconstruction`, `valid_kl`, …
  var validation: Losses?
  var klByDimension: [Double]?
  var activeUnits: Int?
  var latent: Int?
  var gradientNorm: Double
  var learningRate: Double
  var beta: Double
  var seconds: Double?
  var rowsPerSecond: Double?
  var outcome: String?
  var rows: Int?
  var parameters: Int?

  init(
    event: String, epoch: Int, step: Int, losses: Losses, gradientNorm: Double,
    learningRate: Double, beta: Double, rowsPerSecond: Double
  ) {
    self.event = event
    self.epoch = epoch
    self.step = step
    training = losses
    self.gradientNorm = gradientNorm
    self.learningRate = learningRate
    self.beta = beta
    self.rowsPerSecond = rowsPerSecond
  }

  init(
    event: String, _ report: EpochReport, seconds: Double? = nil, rowsPerSecond: Double? = nil
  ) {
    self.event = event
    epoch = report.epoch
    epochs = report.epochs
    steps = report.steps
    training = report.training
    validation = report.validation
    klByDimension = report.klByDimension
    activeUnits = report.activeUnits
    latent = report.latent
    gradientNorm = report.gradientNorm
    learningRate = report.learningRate
    beta = report.beta
    self.seconds = seconds
    self.rowsPerSecond = rowsPerSecond
  }
}

extension Record {
  private enum CodingKeys: String, CodingKey {
    case event, epoch, epochs, step, steps, klByDimension, activeUnits, latent, gradientNorm
    case learningRate = "lr"
    case beta, seconds, rowsPerSecond, outcome, rows, parameters
  }

  func encode(to encoder: any Encoder) throws {
    try training.encode(to: encoder)
    try validation?.encode(to: encoder, prefix: "valid_")
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(event, forKey: .event)
    try values.encode(epoch, forKey: .epoch)
    try values.encodeIfPresent(epochs, forKey: .epochs)
    try values.encodeIfPresent(step, forKey: .step)
    try values.encodeIfPresent(steps, forKey: .steps)
    try values.encodeIfPresent(klByDimension, forKey: .klByDimension)
    try values.encodeIfPresent(activeUnits, forKey: .activeUnits)
    try values.encodeIfPresent(latent, forKey: .latent)
    try values.encode(gradientNorm, forKey: .gradientNorm)
    try values.encode(learningRate, forKey: .learningRate)
    try values.encode(beta, forKey: .beta)
    try values.encodeIfPresent(seconds, forKey: .seconds)
    try values.encodeIfPresent(rowsPerSecond, forKey: .rowsPerSecond)
    try values.encodeIfPresent(outcome, forKey: .outcome)
    try values.encodeIfPresent(rows, forKey: .rows)
    try values.encodeIfPresent(parameters, forKey: .parameters)
  }
}
