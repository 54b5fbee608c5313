import SystemPackage

/// The figures of a run as JSON lines, one record an epoch, for `tail -f` and for plots.
/// The fields are described in vae-fit(1).
public final class TrainingLog {
  private let sink: ByteSink

  /// Makes the file, or empties it.
  ///
  /// - Throws: `StreamError` where it cannot be made.
  public init(path: String) throws {
    do {
      let file = try FileDescriptor.open(
        FilePath(path), .writeOnly, options: [.create, .truncate, .closeOnExec],
        permissions: [.ownerReadWrite, .groupReadWrite, .otherReadWrite])
      sink = ByteSink(descriptor: file, name: path, closes: true)
    } catch {
      throw StreamError.cannotCreate(name: path, reason: "\(error)")
    }
  }

  /// Writes the record of an epoch at once; nothing for other events.
  public func write(_ event: TrainingEvent) throws {
    guard case .epoch(let report) = event else { return }
    try sink.write(Array((try sortedJSON(Record(report)) + "\n").utf8))
    try sink.flush()
  }

  public func finish() throws { try sink.finish() }
}

private struct Record: Encodable {
  let event = "epoch"
  let report: EpochReport

  init(_ report: EpochReport) { self.report = report }

  enum Key: String, CodingKey {
    case event, epoch, epochs, loss, reconstruction, kl
    case validLoss = "valid_loss"
    case validReconstruction = "valid_reconstruction"
    case validKL = "valid_kl"
    case activeUnits = "active_units"
    case latent
    case gradientNorm = "gradient_norm"
    case learningRate = "learning_rate"
    case beta, steps, seconds
    case imagesPerSecond = "images_per_second"
  }

  func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(event, forKey: .event)
    try values.encode(report.epoch, forKey: .epoch)
    try values.encode(report.epochs, forKey: .epochs)
    try values.encode(report.training.loss, forKey: .loss)
    try values.encode(report.training.reconstruction, forKey: .reconstruction)
    try values.encode(report.training.kl, forKey: .kl)
    try values.encodeIfPresent(report.validation?.loss, forKey: .validLoss)
    try values.encodeIfPresent(report.validation?.reconstruction, forKey: .validReconstruction)
    try values.encodeIfPresent(report.validation?.kl, forKey: .validKL)
    try values.encode(report.activeUnits, forKey: .activeUnits)
    try values.encode(report.latent, forKey: .latent)
    try values.encode(report.gradientNorm, forKey: .gradientNorm)
    try values.encode(report.learningRate, forKey: .learningRate)
    try values.encode(report.beta, forKey: .beta)
    try values.encode(report.steps, forKey: .steps)
    try values.encode(report.seconds, forKey: .seconds)
    try values.encode(report.imagesPerSecond, forKey: .imagesPerSecond)
  }
}
