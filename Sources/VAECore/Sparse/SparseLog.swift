/// The figures of dictionary learning and coding as JSON lines: one record an epoch of learning
/// (`"event":"epoch"`) and one at the end (`"end"`). The fields are described in sparse-code(1).
public final class SparseLog {
  private let lines: LineFile

  public init(_ lines: LineFile) { self.lines = lines }

  /// Writes the record of an epoch at once.
  public func write(_ epoch: LearningEpoch) throws {
    try write(
      EpochRecord(
        event: "epoch", epoch: epoch.epoch, objective: epoch.objective, replaced: epoch.replaced))
  }

  /// Writes the last record and closes the file.
  public func finish(_ coder: SparseCoder) throws {
    let (report, options) = (coder.report, coder.dictionary.options)
    try write(
      EndRecord(
        event: "end", rows: report.rows, atoms: coder.dictionary.count,
        solver: options.solver.rawValue, lambda: options.solver == .omp ? nil : options.lambda,
        tol: options.tolerance, objective: report.objective, worstGap: report.worstGap,
        meanGap: report.meanGap, unconverged: report.unconverged,
        roundingLimited: report.roundingLimited, nonzeros: report.nonzeros,
        histogram: report.histogram, explained: report.explained, coherence: coder.coherence,
        deadAtoms: report.deadAtoms))
    try lines.finish()
  }

  private func write(_ record: some Encodable) throws {
    try lines.write(try sortedJSON(record))
  }

  private struct EpochRecord: Encodable {
    let event: String
    let epoch: Int
    let objective: Double
    let replaced: Int
  }

  private struct EndRecord: Encodable {
    let event: String
    let rows, atoms: Int
    let solver: String
    let lambda: Double?
    let tol, objective: Double
    let worstGap, meanGap: Double?
    let unconverged, roundingLimited: Int
    let nonzeros: Double
    let histogram: [Int]
    let explained: Double?
    let coherence: Double
    let deadAtoms: Int
  }
}
