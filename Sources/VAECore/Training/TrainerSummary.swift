extension Trainer {
  /// How the model came to be, for its file.
  public var record: TrainingRecord {
    TrainingRecord(
      options: options, rows: rows.training.count, validationRows: rows.validation.count,
      sha256: sha256, labelsSha256: labelsSHA256, epochs: state.epochsDone,
      epoch: state.bestLoss == nil ? state.epochsDone : state.bestEpoch, last: state.kept)
  }

  /// Writes the model with its record and the statistics of its scores; the sink is the caller's to finish.
  ///
  /// - Throws: `TrainingError.diverged`, with nothing written, where the scores are not finite.
  public func write(to sink: ByteSink) throws {
    let known = rows.validation.isEmpty ? rows.training : rows.validation
    let scores = try ScoreStatistics(
      model, rows.validationColumns ?? rows.columns, indices: known, pool: pool)
    guard scores.notFinite == 0, scores.deviation.isFinite else {
      throw TrainingError.diverged(
        epoch: state.epochsDone, step: stepsPerEpoch, what: "loss after it")
    }
    try ModelFile.write(
      model, training: sortedJSON(record),
      metadata: [ScoreStatistics.metadataKey: try sortedJSON(scores)], to: sink)
  }

  /// Writes the model to a file, whole or not at all.
  ///
  /// - Throws: as `write(to: ByteSink)`; `StreamError` where the file cannot be written.
  public func write(to path: String) throws {
    let file = try AtomicFile(path: path)
    try write(to: file.sink)
    try file.commit()
  }

  /// What is being trained on what, in one line.
  public var summary: String {
    let shape = rows.rows.rowShape.map(String.init).joined(separator: "×")
    let resumed = state.step == 0 ? "" : ", resumed after step \(state.step)"
    return "\(rows.training.count) rows of \(shape) \(rows.rows.elementType), "
      + "\(model.parameters.count) parameters, \(options.precision), "
      + "\(pool.count) thread\(pool.count == 1 ? "" : "s")\(resumed)"
  }

  /// How the run ended, and what was kept of it, in one line.
  public func conclusion(_ outcome: Outcome, written name: String) -> String {
    let kept =
      state.bestLoss == nil || state.bestEpoch == state.epochsDone
      ? "" : "epoch \(state.bestEpoch) of "
    let loss = state.bestLoss.map { ", validation loss \(fixed($0, 2))" } ?? ""
    let why =
      switch outcome {
      case .finished: ""
      case .interrupted: "; interrupted"
      case .outOfTime: "; the time allowed was over"
      case .outOfPatience:
        "; out of patience, \(count(state.epochsDone - state.bestEpoch, "epoch")) without a better one"
      }
    return "\(name) holds the model after \(kept)\(count(state.epochsDone, "epoch"))\(loss)\(why)"
  }

  /// What the user should know of the model that came out.
  public var warnings: [TrainingWarning] {
    guard let last = state.kept, last.activeUnits < last.latent else { return [] }
    if last.activeUnits == 0 {
      return [.collapse(latent: last.latent)]
    }
    return last.activeUnits * 2 < last.latent
      ? [.idleDimensions(active: last.activeUnits, latent: last.latent)] : []
  }
}

/// What the user should know of a trained model.
public enum TrainingWarning: Sendable, Equatable, CustomStringConvertible {
  /// No latent dimension is active.
  case collapse(latent: Int)
  /// Fewer than half of the latent dimensions are active.
  case idleDimensions(active: Int, latent: Int)

  public var description: String {
    switch self {
    case .collapse(let latent):
      "posterior collapse: 0 of \(latent) latent dimensions are active"
    case .idleDimensions(let active, let latent):
      "\(active) of \(latent) latent dimensions are active; the others carry nothing"
    }
  }
}
