/// Trains a model by stochastic gradient descent on its objective.
///
/// The same rows, options and precision give the same parameters, bit for bit, for any number of
/// workers.
public final class Trainer {
  public let model: any LatentModel
  private let rows: TrainingRows
  private let options: TrainingOptions
  private let pool: WorkerPool
  private let graph: any TrainingGraph
  private let validationGraph: any TrainingGraph
  private let optimiser: Adam
  /// The parameters at the end of the last epoch.
  private let good: AlignedBuffer<Float>
  /// Epochs that ended; the parameters are those of the last one after an error.
  public private(set) var epochsDone = 0
  private var last: EpochReport?

  /// Lays the model out. Its parameters are the starting point.
  ///
  /// - Throws: `ModelError` for rows the model cannot learn from, `ComputeError`.
  public init(
    _ model: any LatentModel, on rows: TrainingRows, options: TrainingOptions, pool: WorkerPool
  ) throws {
    guard !rows.training.isEmpty else { throw TrainingError.noRows(source: rows.rows.name) }
    self.model = model
    self.rows = rows
    self.options = options
    self.pool = pool
    graph = try model.makeGraph(
      rows: rows.rows, batch: options.batch, precision: options.precision, seed: options.seed,
      pool: pool)
    validationGraph =
      try rows.validationRows.map {
        try model.makeGraph(
          rows: $0, batch: options.batch, precision: options.precision, seed: options.seed,
          pool: pool)
      } ?? graph
    optimiser = try Adam(model.parameters, tasks: graph.gradientTaskCount)
    good = try AlignedBuffer(count: model.parameters.values.count)
    keep()
  }

  /// Runs the epochs. Ends early, after the step at hand, once `stop` says so.
  ///
  /// - Throws: `TrainingError.diverged`; the model then holds the parameters of the last epoch that
  ///   ended (`epochsDone`).
  public func run(
    stop: () -> Bool = { false }, report: (TrainingEvent) throws -> Void
  ) throws {
    let forward = graph.forward
    let gradients = graph.gradients(into: optimiser)
    let clock = ContinuousClock()
    var step = 0
    for epoch in 1...max(options.epochs, 1) {
      let start = clock.now
      var lastProgress = start
      var sums = LossSums(latent: model.latentSize)
      var squaredNorms = 0.0
      let order = shuffled(epoch: epoch)
      let steps = (order.count + options.batch - 1) / options.batch
      for index in 0..<steps {
        step += 1
        let first = index * options.batch
        let count = min(options.batch, order.count - first)
        order.withUnsafeBufferPointer { order in
          graph.batch = Batch(
            indices: UnsafeBufferPointer(rebasing: order[first..<first + count]),
            step: UInt32(truncatingIfNeeded: step))
          for phase in forward { pool.run(phase) }
        }
        guard sums.add(graph) else {
          throw diverged(epoch: epoch, step: index + 1, what: "loss")
        }
        optimiser.begin(step: step, learningRate: options.learningRate)
        for phase in gradients { pool.run(phase) }
        let squaredNorm = optimiser.squaredNorm
        guard squaredNorm.isFinite else {
          throw diverged(epoch: epoch, step: index + 1, what: "gradient")
        }
        squaredNorms += squaredNorm
        if stop() { return }
        let now = clock.now
        if now - lastProgress > .milliseconds(100) {
          lastProgress = now
          let seconds = (now - start).seconds
          let rate = Double(sums.rows) / seconds
          let left = Double((options.epochs - epoch + 1) * order.count - sums.rows) / rate
          try report(
            .progress(
              epoch: epoch, share: Double(sums.rows) / Double(order.count),
              loss: sums.losses(beta: Double(graph.beta)).loss, imagesPerSecond: rate, left: left))
        }
      }
      let seconds = (clock.now - start).seconds
      guard model.parameters.isFinite else {
        throw diverged(epoch: epoch, step: steps, what: "model")
      }
      keep()
      epochsDone = epoch
      let ended = EpochReport(
        epoch: epoch, epochs: options.epochs, training: sums.losses(beta: Double(graph.beta)),
        validation: try validate(epoch: epoch), activeUnits: sums.activeUnits,
        latent: model.latentSize, gradientNorm: (squaredNorms / Double(steps)).squareRoot(),
        learningRate: options.learningRate, beta: Double(graph.beta), steps: steps,
        seconds: seconds, imagesPerSecond: Double(order.count) / seconds)
      last = ended
      try report(.epoch(ended))
    }
  }

  /// How the model came to be, for its file.
  public var record: TrainingRecord {
    TrainingRecord(
      seed: options.seed, rows: rows.training.count, sha256: rows.rows.sha256(),
      epochs: epochsDone, batch: options.batch, learningRate: options.learningRate,
      precision: options.precision, validationRows: rows.validation.count, loss: last?.training,
      validation: last?.validation)
  }

  /// What is being trained on what, in one line.
  public var summary: String {
    let shape = rows.rows.rowShape.map(String.init).joined(separator: "×")
    return "\(rows.training.count) rows of \(shape) \(rows.rows.elementType), "
      + "\(model.parameters.count) parameters, \(options.precision), \(pool.count) threads"
  }

  /// What the user should know of the model that came out.
  public var warnings: [String] {
    guard let last, last.activeUnits < last.latent else { return [] }
    let few = "\(last.activeUnits) of \(last.latent) latent dimensions are active"
    return last.activeUnits == 0
      ? ["posterior collapse: \(few); try a smaller --beta, a larger --lr or more epochs"]
      : last.activeUnits * 2 < last.latent ? ["\(few); the others carry nothing"] : []
  }

  private func shuffled(epoch: Int) -> [UInt32] {
    let noise = Noise(
      seed: options.seed, purpose: .shuffle, step: UInt32(truncatingIfNeeded: epoch))
    return permutation(of: rows.training.count, noise: noise).map { rows.training[Int($0)] }
  }

  /// The objective on the rows held out, with noise that is the same after every epoch.
  private func validate(epoch: Int) throws -> Losses? {
    guard !rows.validation.isEmpty else { return nil }
    var sums = LossSums(latent: model.latentSize)
    let forward = validationGraph.forward
    for (index, first) in stride(from: 0, to: rows.validation.count, by: options.batch).enumerated()
    {
      let last = min(first + options.batch, rows.validation.count)
      let finite = rows.validation.withUnsafeBufferPointer { indices in
        validationGraph.batch = Batch(
          indices: UnsafeBufferPointer(rebasing: indices[first..<last]), step: UInt32(index),
          purpose: .evaluate)
        for phase in forward { pool.run(phase) }
        return sums.add(validationGraph)
      }
      guard finite else { throw diverged(epoch: epoch, step: index + 1, what: "validation loss") }
    }
    return sums.losses(beta: Double(graph.beta))
  }

  private func keep() {
    good.base.update(from: model.parameters.values.base, count: good.count)
  }

  private func diverged(epoch: Int, step: Int, what: String) -> TrainingError {
    model.parameters.values.base.update(from: good.base, count: good.count)
    return .diverged(epoch: epoch, step: step, what: what)
  }
}

extension Duration {
  /// Seconds, with their fraction.
  var seconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}

extension ParameterStore {
  /// Whether every value is a finite number.
  package var isFinite: Bool {
    values.buffer.allSatisfy { $0.isFinite }
  }
}
