public import ArgumentParser
public import VAECore

/// How `probe-fit` fits a head.
public struct RegressionArguments: ParsableArguments {
  @Option(
    help:
      "The weight of ½‖W‖² beside the cross-entropy summed over the rows: 1 / C. (default: 1)")
  public var l2: Double?

  @Option(help: "Fitted when no component of the gradient exceeds this. (default: 1e-06)")
  public var tol: Double?

  @Option(help: "Most iterations. (default: 1000)")
  public var maxIter: Int?

  public init() {}

  public func validate() throws {
    if let l2, !(l2 >= 0 && l2.isFinite) {
      throw ValidationError("--l2: expected 0 or more, got \(l2)")
    }
    if let tol, !(tol >= 0 && tol.isFinite) {
      throw ValidationError("--tol: expected 0 or more, got \(tol)")
    }
    if let maxIter, !(0...1_000_000 ~= maxIter) {
      throw ValidationError("--max-iter: expected 0 to 1000000, got \(maxIter)")
    }
  }

  /// - Throws: a usage error for an option that has no effect on such tuning.
  public func requireEffect(on tuning: TuningArguments) throws {
    guard tuning.reinitialise else { return }
    try refuse(
      ["--l2": l2 != nil, "--tol": tol != nil, "--max-iter": maxIter != nil],
      where: "--reinitialise, which fits no head before")
  }

  public var options: RegressionOptions {
    var options = RegressionOptions()
    options.l2 = l2 ?? options.l2
    options.tolerance = tol ?? options.tolerance
    options.maximumIterations = maxIter ?? options.maximumIterations
    return options
  }
}

/// How `probe-fit` trains through an encoder.
public struct TuningArguments: ParsableArguments {
  @Option(
    help: "Train the encoder of this model with the head; the input is images.",
    completion: .file())
  public var finetune: String?

  @Flag(help: "Begin with fresh weights in place of the model's.")
  public var reinitialise = false

  @Option(help: "Passes over the rows. (default: 10)")
  public var epochs: Int?

  @Option(help: "Rows a step. (default: 128)")
  public var batch: Int?

  @Option(name: .customLong("lr"), help: "The learning rate of Adam. (default: 0.001)")
  public var learningRate: Double?

  @Option(help: "L2 of all weights, as Adam has it. (default: 0)")
  public var weightDecay: Double?

  @Option(help: "Repeat the shuffling and the fresh weights of this seed. (default: 0)")
  public var seed: UInt64?

  public init() {}

  public func validate() throws {
    if finetune == nil {
      let given = [
        reinitialise ? "--reinitialise" : nil, epochs.map { _ in "--epochs" },
        batch.map { _ in "--batch" }, learningRate.map { _ in "--lr" },
        weightDecay.map { _ in "--weight-decay" }, seed.map { _ in "--seed" },
      ]
      if let option = given.compactMap(\.self).first {
        throw ValidationError("\(option) is an option of --finetune")
      }
    }
    if let epochs, !(1...1_000_000 ~= epochs) {
      throw ValidationError("--epochs: expected 1 to 1000000, got \(epochs)")
    }
    if let batch, !(1..<1 << 31 ~= batch) {
      throw ValidationError("--batch: expected at least 1, got \(batch)")
    }
    if let learningRate, !(learningRate > 0 && learningRate.isFinite) {
      throw ValidationError("--lr: expected a positive number, got \(learningRate)")
    }
    if let weightDecay, !(weightDecay >= 0 && weightDecay.isFinite) {
      throw ValidationError("--weight-decay: expected 0 or more, got \(weightDecay)")
    }
  }

  public func options(precision: Precision) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = epochs ?? options.epochs
    options.batch = batch ?? options.batch
    options.seed = seed ?? options.seed
    options.optimiser.learningRate = learningRate ?? options.optimiser.learningRate
    options.optimiser.weightDecay = weightDecay ?? options.optimiser.weightDecay
    options.precision = precision
    return options
  }
}

extension StreamOptions {
  /// Reads a probe operand; `-` is standard input, unless the rows come from there.
  public func probe(_ operand: String, besides rows: String?) throws -> Probe {
    try Probe.read(modelFile(operand, besides: rows))
  }

  /// Opens a file of labels; `-` is standard input, unless one of `others` is, or is not given.
  public func labels(_ path: String, besides others: [String?]) throws -> LabelReader {
    if path == "-", others.contains(where: { $0 == nil || $0 == "-" }) {
      throw ValidationError("the labels and something else cannot both come from standard input")
    }
    return try LabelReader(input(path))
  }

  /// Shows how predictions compare with labels.
  public func show(_ confusion: Confusion) {
    note(confusion.summary)
    if !quiet, let table = confusion.table { Console.write(table) }
  }
}

extension Progress {
  /// Shows how far a regression is.
  public func showRegression(iteration: Int, objective: Double) {
    update("iteration \(iteration)  objective \(fixed(objective, 6))")
  }

  /// Shows how far the training of a probe is.
  public func showTuning(_ event: TrainingEvent) {
    switch event {
    case .steps:
      break
    case .progress(let epoch, let share, let loss, _, _):
      update("epoch \(epoch) \(Int(share * 100)) %  loss \(fixed(loss, 4))")
    case .epoch(let report, let seconds, let rate):
      let loss = fixed(report.training.loss, 4)
      milestone(
        "epoch \(report.epoch)/\(report.epochs)  loss \(loss)  \(fixed(seconds, 2)) s  "
          + "\(fixed(rate, 0)) rows/s")
    }
  }
}
