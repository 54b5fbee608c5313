extension Trainer {
  /// How the model came to be, for its file.
  public var record: TrainingRecord {
    TrainingRecord(
      options: options, rows: rows.training.count, validationRows: rows.validation.count,
      sha256: sha256, epochs: state.epochsDone,
      epoch: state.bestLoss == nil ? state.epochsDone : state.bestEpoch, last: state.last)
  }

  /// Writes the model with its record and the statistics of its scores; the sink is the caller's to finish.
  ///
  /// - Throws: `TrainingError.diverged`, with nothing written, where the scores are not finite.
  public func write(to sink: ByteSink) throws {
    let known = rows.validation.isEmpty ? rows.training : rows.validation
    let scores = try ScoreStatistics(
      model, rows: rows.validationRows ?? rows.rows, indices: known, pool: pool)
    guard scores.mean.isFinite, scores.deviation.isFinite else {
      throw TrainingError.diverged(
        epoch: state.epochsDone, step: stepsPerEpoch, what: "loss after it")
    }
    try ModelFile.write(
      model, training: sortedJSON(record),
      metadata: [ScoreStatistics.metadataKey: try sortedJSON(scores)], to: sink)
  }

  /// What is being trained on what, in one line.
  public var summary: String {
    let shape = rows.rows.rowShape.map(String.init).joined(separator: "×")
    let resumed = state.step == 0 ? "" : ", resumed after step \(state.step)"
    return "\(rows.training.count) rows of \(shape) \(rows.rows.elementType), "
      + "\(model.parameters.count) parameters, \(options.precision), "
      + "\(pool.count) thread\(pool.count == 1 ? "" : "s")\(resumed)"
  }

  /// What the user should know of the model that came out.
  public var warnings: [String] {
    guard let last = state.last, last.activeUnits < last.latent else { return [] }
    let few = "\(last.activeUnits) of \(last.latent) latent dimensions are active"
    if last.activeUnits == 0 {
      return ["posterior collapse: \(few); try --warmup, --free-bits or a smaller --beta"]
    }
    return last.activeUnits * 2 < last.latent ? ["\(few); the others carry nothing"] : []
  }
}
