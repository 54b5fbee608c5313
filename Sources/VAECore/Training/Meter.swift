/// Measures a run as it goes: rates, the time left, and what the steps since the last report came
/// to. None of it enters the model.
struct Meter {
  private static let interval = 100

  private let clock = ContinuousClock()
  private let epochs: Int
  private let rows: Int
  private let dimensions: Int?
  private var epochStart: ContinuousClock.Instant
  private var rowsAtStart: Int
  private var shown: ContinuousClock.Instant
  private var intervalStart: ContinuousClock.Instant
  private var epochEnd: ContinuousClock.Instant
  private var before: LossSums
  private var squaredNorms = 0.0
  private var steps = 0

  /// - Parameter dimensions: as in `LossSums.losses(inBitsOf:)`.
  init(_ state: TrainingState, epochs: Int, rows: Int, dimensions: Int?) {
    self.epochs = epochs
    self.rows = rows
    self.dimensions = dimensions
    epochStart = clock.now
    shown = epochStart
    intervalStart = epochStart
    rowsAtStart = state.sums.rows
    before = state.sums
    epochEnd = epochStart
    carried = LossSums(latent: 0)
  }

  /// What was added to the sums since the last report, in epochs that have ended.
  private var carried: LossSums

  mutating func beginEpoch() {
    // What came between two epochs, validation and checkpoints, is no training.
    intervalStart += clock.now - epochEnd
    epochStart = clock.now
    rowsAtStart = 0
  }

  /// Seconds since the epoch began, or was taken up, and rows a second. The sums are still its own.
  mutating func endEpoch(_ state: TrainingState) -> (seconds: Double, rowsPerSecond: Double) {
    epochEnd = clock.now
    carried.add(state.sums.since(before))
    before = LossSums(latent: 0)
    let seconds = (epochEnd - epochStart).seconds
    return (seconds, Double(rows - rowsAtStart) / seconds)
  }

  /// Takes note of a step that ended.
  mutating func note(
    _ state: TrainingState, graph: TrainingGraph, norm: Double, rate: Double,
    _ report: (TrainingEvent) throws -> Void
  ) rethrows {
    let now = clock.now
    steps += 1
    squaredNorms += norm * norm
    if state.step % Self.interval == 0 {
      carried.add(state.sums.since(before))
      let since = carried
      try report(
        .steps(
          StepReport(
            epoch: state.epochsDone + 1, step: state.step,
            training: since.losses(inBitsOf: dimensions),
            gradientNorm: (squaredNorms / Double(steps)).squareRoot(), learningRate: rate,
            beta: Double(graph.beta),
            rowsPerSecond: Double(since.rows) / (now - intervalStart).seconds)))
      before = state.sums
      carried = LossSums(latent: 0)
      intervalStart = now
      squaredNorms = 0
      steps = 0
    }
    if now - shown > .milliseconds(100) {
      shown = now
      let rowsPerSecond = Double(state.sums.rows - rowsAtStart) / (now - epochStart).seconds
      let left = (epochs - state.epochsDone) * rows - state.sums.rows
      try report(
        .progress(
          epoch: state.epochsDone + 1, share: Double(state.sums.rows) / Double(rows),
          loss: state.sums.losses(inBitsOf: nil).loss, rowsPerSecond: rowsPerSecond,
          left: Double(left) / rowsPerSecond))
    }
  }
}

extension Duration {
  /// Seconds, with their fraction.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
