/// Trains a model by stochastic gradient descent on its objective.
///
/// The same rows, options and model give the same parameters, bit for bit, for any number of
/// workers, and for any number of stops on the way.
public final class Trainer {
  /// Why `run` returned.
  public enum Outcome: Sendable, Equatable {
    case finished
    /// `stop` said so. Where checkpoints are written, one holds the run as it was left.
    case interrupted
    /// The time allowed is over. A checkpoint holds the run as it was left; with patience, the model
    /// is the best so far.
    case outOfTime
    /// The validation loss has not become better for long enough.
    case outOfPatience

    /// As logs have it.
    var word: String {
      switch self {
      case .finished: "finished"
      case .interrupted: "interrupted"
      case .outOfTime: "out_of_time"
      case .outOfPatience: "out_of_patience"
      }
    }
  }

  public let model: any LatentModel
  let rows: TrainingRows
  let options: TrainingOptions
  private let control: TrainingControl
  let pool: WorkerPool
  private let graph: TrainingGraph
  private let validationGraph: TrainingGraph
  private let update: Update
  /// The parameters at the end of the last epoch, all of them finite.
  private let lastFinite: AlignedBuffer<Float>
  /// Those with the best validation loss; empty without patience.
  private let best: AlignedBuffer<Float>
  var state: TrainingState
  private(set) lazy var sha256 = rows.rows.sha256()
  /// Of the labels of a conditional model, as `Labels` has it.
  private(set) lazy var labelsSHA256 = model.roles.label.flatMap { label in
    rows.columns.labels.map { Labels.sha256($0, classes: label.classes) }
  }

  /// Lays the model out. Its parameters are the starting point, or the checkpoint's are.
  ///
  /// - Throws: `LikelihoodError` for rows the model cannot explain, `TrainingError`,
  ///   `ComputeError`, `StreamError` for rows of another size.
  public init(
    _ model: any LatentModel, on rows: TrainingRows, options: TrainingOptions,
    control: TrainingControl = TrainingControl(), resuming checkpoint: Checkpoint? = nil,
    pool: WorkerPool
  ) throws {
    guard !rows.training.isEmpty else { throw TrainingError.noRows(source: rows.rows.name) }
    for rows in [rows.rows, rows.validationColumns?.x ?? rows.rows] {
      guard rows.rows > 0 else { throw TrainingError.noRows(source: rows.name) }
      guard rows.rowSize == model.inputSize else {
        throw StreamError.wrongRowSize(
          name: rows.name, row: 0, expected: model.inputSize, got: rows.rowSize)
      }
    }
    self.model = model
    self.rows = rows
    self.options = options
    self.control = control
    self.pool = pool
    let store = model.parameters
    if let checkpoint { try checkpoint.restore(store.values, prefix: "") }
    store.freeze { name in options.freeze.contains { name == $0 || name.hasPrefix($0 + ".") } }
    guard options.freeze.allSatisfy({ layer in store.has(layer) }), store.isTrained else {
      throw TrainingError.nothingToTrain(options.freeze)
    }
    graph = try TrainingGraph(model, rows: rows.columns, options: options.graph, pool: pool)
    validationGraph =
      try rows.validationColumns.map {
        try TrainingGraph(model, rows: $0, options: options.graph, pool: pool)
      } ?? graph
    update = try Update(graph, store: store, options: options.optimiser)
    lastFinite = try AlignedBuffer(count: store.values.count)
    best = try AlignedBuffer(count: options.patience == nil ? 0 : store.values.count)
    state = TrainingState(sums: LossSums(latent: model.latentSize))
    if let checkpoint {
      try checkpoint.check(
        options: options, model: model, sha256: sha256, labelsSHA256: labelsSHA256)
      try checkpoint.check(
        stepsPerEpoch: stepsPerEpoch, batch: options.batch, rows: rows.training.count)
      state = checkpoint.state
      for (prefix, buffer) in buffers { try checkpoint.restore(buffer, prefix: prefix) }
    }
    keep(in: lastFinite)
  }

  /// Steps taken, over the whole run.
  public var stepsDone: Int { state.step }

  /// Epochs that ended; after an error the parameters are those of the last one.
  public var epochsDone: Int { state.epochsDone }

  /// Runs the epochs that are left. Ends early, after the step at hand, once `stop` says so.
  ///
  /// - Throws: `TrainingError.diverged`; the model then holds the parameters of the last epoch that
  ///   ended (`epochsDone`).
  public func run(
    stop: () -> Bool = { false }, report: (TrainingEvent) throws -> Void
  ) throws -> Outcome {
    let clock = ContinuousClock()
    let began = clock.now
    var saved = began
    var meter = Meter(
      state, epochs: options.epochs, rows: rows.training.count, dimensions: model.dimensionsInBits)
    if control.checkpoint != nil { try saveCheckpoint() }
    while state.epochsDone < options.epochs, !isOutOfPatience {
      let order = shuffled(epoch: state.epochsDone + 1)
      let steps = stepsPerEpoch
      while state.stepsInEpoch < steps {
        let first = state.stepsInEpoch * options.batch
        let count = min(options.batch, order.count - first)
        try order.withUnsafeBufferPointer {
          try step(UnsafeBufferPointer(rebasing: $0[first..<first + count]))
        }
        let taken = settings(after: state.stepsInEpoch - 1)
        try meter.note(state, graph: graph, norm: update.gradientNorm, rate: taken.rate, report)
        if stop() {
          if control.checkpoint != nil { try saveCheckpoint() }
          return .interrupted
        }
        if let limit = control.maxTime, clock.now - began > limit {
          if control.checkpoint != nil { try saveCheckpoint() }
          takeBest()
          return .outOfTime
        }
        if case .time(let interval) = control.every, control.checkpoint != nil,
          clock.now - saved > interval
        {
          try saveCheckpoint()
          saved = clock.now
        }
      }
      let (seconds, rowsPerSecond) = meter.endEpoch(state)
      let ended = try endEpoch()
      try report(.epoch(ended, seconds: seconds, rowsPerSecond: rowsPerSecond))
      if case .epochs(let every) = control.every, control.checkpoint != nil,
        state.epochsDone % every == 0 || state.epochsDone == options.epochs
      {
        try saveCheckpoint()
      }
      meter.beginEpoch()
    }
    takeBest()
    return isOutOfPatience ? .outOfPatience : .finished
  }

  private var isOutOfPatience: Bool {
    options.patience.map { state.epochsDone - state.bestEpoch >= $0 } ?? false
  }

  var stepsPerEpoch: Int {
    (rows.training.count + options.batch - 1) / options.batch
  }

  /// The learning rate and the weight of the divergence for the step that comes after `steps` of
  /// the epoch at hand.
  private func settings(after steps: Int) -> (rate: Double, beta: Float) {
    let done = Double(state.epochsDone) + Double(steps) / Double(stepsPerEpoch)
    let epochs = options.epochs
    return (
      options.optimiser.learningRate * options.schedule.rate(done: done, epochs: epochs),
      model.beta * Float(options.annealing.factor(done: done, epochs: epochs))
    )
  }

  private func step(_ indices: UnsafeBufferPointer<UInt32>) throws {
    let (rate, beta) = settings(after: state.stepsInEpoch)
    graph.beta = beta
    graph.batch = Batch(indices: indices, step: UInt32(truncatingIfNeeded: state.step + 1))
    for phase in graph.learn { pool.run(phase) }
    guard state.sums.add(graph.losses, count: indices.count) else { throw diverged("loss") }
    update.begin(step: state.step + 1, learningRate: rate)
    for phase in update.phases { pool.run(phase) }
    let norm = update.gradientNorm
    guard norm.isFinite else { throw diverged("gradient") }
    state.squaredNorms += norm * norm
    state.step += 1
    state.stepsInEpoch += 1
  }

  private func endEpoch() throws -> EpochReport {
    guard model.parameters.isFinite else { throw diverged("model") }
    let steps = state.stepsInEpoch
    // Of the last step, which a run that was stopped behind it has not taken itself.
    let (rate, beta) = settings(after: steps - 1)
    let validation = try validate()
    let ended = EpochReport(
      epoch: state.epochsDone + 1, epochs: options.epochs,
      training: state.sums.losses(inBitsOf: model.dimensionsInBits),
      validation: validation, klByDimension: state.sums.klByDimension,
      activeUnits: state.sums.activeUnits,
      gradientNorm: (state.squaredNorms / Double(max(steps, 1))).squareRoot(),
      learningRate: rate, beta: Double(beta), steps: steps)
    keep(in: lastFinite)
    state.epochsDone += 1
    state.stepsInEpoch = 0
    state.squaredNorms = 0
    state.sums = LossSums(latent: model.latentSize)
    state.last = ended
    if options.patience != nil, let loss = validation?.loss, loss < state.bestLoss ?? .infinity {
      state.bestLoss = loss
      state.bestEpoch = state.epochsDone
      state.best = ended
      keep(in: best)
    }
    return ended
  }

  private func shuffled(epoch: Int) -> [UInt32] {
    let noise = Noise(
      seed: options.seed, purpose: .shuffle, step: UInt32(truncatingIfNeeded: epoch))
    return permutation(of: rows.training.count, noise: noise).map { rows.training[Int($0)] }
  }

  /// The objective on the rows held out, at the full β, with noise that is the same after every
  /// epoch.
  private func validate() throws -> Losses? {
    guard !rows.validation.isEmpty else { return nil }
    var sums = LossSums(latent: model.latentSize)
    let graph = validationGraph
    graph.beta = model.beta
    let size = options.batch
    for (index, first) in stride(from: 0, to: rows.validation.count, by: size).enumerated() {
      let last = min(first + size, rows.validation.count)
      let finite = rows.validation.withUnsafeBufferPointer { indices in
        graph.batch = Batch(
          indices: UnsafeBufferPointer(rebasing: indices[first..<last]), step: UInt32(index))
        for phase in graph.evaluate { pool.run(phase) }
        return sums.add(graph.losses, count: last - first)
      }
      guard finite else { throw diverged("validation loss") }
    }
    return sums.losses(inBitsOf: model.dimensionsInBits)
  }

  private func keep(in buffer: AlignedBuffer<Float>) {
    buffer.base.update(from: model.parameters.values.base, count: buffer.count)
  }

  private func takeBest() {
    guard state.bestLoss != nil else { return }
    model.parameters.values.base.update(from: best.base, count: best.count)
  }

  private func diverged(_ what: String) -> TrainingError {
    model.parameters.values.base.update(from: lastFinite.base, count: lastFinite.count)
    return .diverged(epoch: state.epochsDone + 1, step: state.stepsInEpoch + 1, what: what)
  }

  // MARK: Checkpoints

  private var buffers: [(prefix: String, AlignedBuffer<Float>)] {
    [
      ("optimizer.first.", update.optimiser.first),
      ("optimizer.second.", update.optimiser.second), ("best.", best),
    ]
  }

  private func saveCheckpoint() throws {
    guard let path = control.checkpoint else { return }
    guard model.parameters.isFinite else { throw diverged("model") }
    try Checkpoint.write(
      path, model: model, record: record, state: state, buffers: buffers)
  }
}

extension ParameterStore {
  /// Whether every value is a finite number.
  package var isFinite: Bool { values.buffer.allSatisfy { $0.isFinite } }

  /// Whether some parameter is called so, or begins so, up to a dot.
  fileprivate func has(_ name: String) -> Bool {
    specs.contains { $0.name == name || $0.name.hasPrefix(name + ".") }
  }

  fileprivate var isTrained: Bool {
    zip(specs, offsets).contains { spec, offset in isTrained(offset..<offset + spec.count) }
  }
}
