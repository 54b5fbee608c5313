public import ArgumentParser
public import VAECore

/// What `vae-fit` minimises.
public struct ObjectiveOptions: ParsableArguments {
  @Option(
    help:
      "The evidence lower bound (elbo) or the importance-weighted one (iwae). (default: elbo)")
  public var objective: ObjectiveChoice?

  @Option(help: "Draws from the posterior for each row. (default: 1)")
  public var particles: Int?

  @Option(
    help: "The divergence in closed form (analytic) or at the draws (sampled). (default: analytic)")
  public var kl: Objective.Divergence?

  @Option(help: "Nats of divergence that each latent dimension has for free. (default: 0)")
  public var freeBits: Float?

  @Option(help: "Epochs in which the weight of the divergence rises from 0. (default: 0)")
  public var warmup: Double?

  @Option(help: "Periods in whose first half the weight of the divergence rises from 0.")
  public var cyclical: Int?

  @Option(
    help: "Make inputs 0 or 1: by a fresh draw each time (dynamic) or above 1/2 (threshold).")
  public var binarize = Binarisation.none

  public init() {}

  public func validate() throws {
    if let particles, !(1...100_000 ~= particles) {
      throw ValidationError("--particles: expected 1 to 100000, got \(particles)")
    }
    if let freeBits, !(freeBits >= 0 && freeBits.isFinite) {
      throw ValidationError("--free-bits: expected 0 or more, got \(freeBits)")
    }
    guard freeBits ?? 0 == 0 || objective != .iwae && kl != .sampled else {
      throw ValidationError("--free-bits needs --objective elbo and --kl analytic")
    }
    if objective == .iwae { try refuse(["--kl": kl != nil], where: "--objective iwae") }
    let (warmup, cyclical) = (warmup ?? 0, cyclical ?? 0)
    guard warmup >= 0, warmup.isFinite, cyclical >= 0, warmup == 0 || cyclical == 0 else {
      throw ValidationError("--warmup and --cyclical: expected 0 or more, and one of them")
    }
  }

  /// - Throws: a usage error for an option that has no effect on such a model.
  public func requireEffect(on model: ModelOptions) throws {
    guard model.model == .plain else { return }
    try refuse(
      [
        "--beta": model.beta != nil, "--objective": objective != nil,
        "--particles": particles != nil, "--kl": kl != nil, "--free-bits": freeBits != nil,
        "--warmup": warmup != nil, "--cyclical": cyclical != nil,
      ], where: "--model ae, whose latents are no distribution")
  }

  fileprivate func set(_ options: inout TrainingOptions) {
    options.objective.importanceWeighted = objective == .iwae
    options.objective.particles = particles ?? 1
    options.objective.divergence = kl ?? .analytic
    options.objective.freeBits = freeBits ?? 0
    options.annealing.warmup = warmup ?? 0
    options.annealing.periods = cyclical ?? 0
    options.binarisation = binarize
  }
}

public enum ObjectiveChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case elbo, iwae
}

extension Objective.Divergence: ExpressibleByArgument {}
extension Binarisation: ExpressibleByArgument {}
extension OptimiserOptions.Rule: ExpressibleByArgument {}

/// How `vae-fit` goes about it.
public struct OptimiserArguments: ParsableArguments {
  @Option(help: "Passes over the rows. (default: 10, or those of --schedule stages)")
  public var epochs: Int?

  @Option(help: "Rows a step.")
  public var batch = 128

  @Option(help: "The rule that changes the weights.")
  public var optimizer = OptimiserOptions.Rule.adam

  @Option(name: .customLong("lr"), help: "The learning rate.")
  public var learningRate = 1e-3

  @Option(
    help: "Decay of Adam's running means of gradients and squares. (default: 0.9,0.999)")
  public var adamBetas: NumberPair?

  @Option(help: "What Adam and RMSprop add to the root. (default: 1e-08)")
  public var adamEps: Double?

  @Option(help: "Momentum of sgd. (default: 0)")
  public var momentum: Double?

  @Flag(help: "Nesterov's momentum.")
  public var nesterov = false

  @Option(help: "Decay of the weights: L2, or with adamw decoupled.")
  public var weightDecay = 0.0

  @Option(help: "Scale gradients down to this norm.")
  public var clipNorm: Double?

  @Option(help: "How the rate moves: constant, cosine, step:EPOCHS,FACTOR or stages:COUNT.")
  public var schedule = Schedule.constant

  @Option(help: "Repeat the initial weights, shuffling and noise of this seed.")
  public var seed: UInt64 = 0

  public init() {}

  public func validate() throws {
    if let epochs, !(1...1_000_000 ~= epochs) {
      throw ValidationError("--epochs: expected 1 to 1000000, got \(epochs)")
    }
    guard 1..<1 << 31 ~= batch else {
      throw ValidationError("--batch: expected at least 1, got \(batch)")
    }
    guard learningRate > 0, learningRate.isFinite else {
      throw ValidationError("--lr: expected a positive number, got \(learningRate)")
    }
    if let adamBetas, !(0..<1 ~= adamBetas.first && 0..<1 ~= adamBetas.second) {
      throw ValidationError("--adam-betas: expected two numbers from 0 and below 1")
    }
    let (adamEps, momentum) = (adamEps ?? 0, momentum ?? 0)
    guard adamEps >= 0, adamEps.isFinite, 0..<1 ~= momentum, weightDecay >= 0,
      weightDecay.isFinite
    else {
      throw ValidationError(
        "--adam-eps and --weight-decay: expected 0 or more; --momentum: from 0 and below 1")
    }
    if let clipNorm, !(clipNorm > 0 && clipNorm.isFinite) {
      throw ValidationError("--clip-norm: expected a positive number, got \(clipNorm)")
    }
    if optimizer != .sgd {
      try refuse(
        ["--momentum": self.momentum != nil, "--nesterov": nesterov],
        where: "--optimizer \(optimizer)")
    }
    if optimizer == .sgd || optimizer == .rmsprop {
      try refuse(["--adam-betas": adamBetas != nil], where: "--optimizer \(optimizer)")
    }
    if optimizer == .sgd {
      try refuse(["--adam-eps": self.adamEps != nil], where: "--optimizer sgd")
    }
    guard !nesterov || momentum > 0 else { throw ValidationError("--nesterov needs --momentum") }
  }

  fileprivate func set(_ options: inout TrainingOptions) {
    options.epochs = epochs ?? schedule.epochs ?? 10
    options.batch = batch
    options.seed = seed
    options.schedule = schedule
    options.optimiser.rule = optimizer
    options.optimiser.learningRate = learningRate
    if let adamBetas {
      (options.optimiser.beta1, options.optimiser.beta2) = (adamBetas.first, adamBetas.second)
    }
    options.optimiser.epsilon = adamEps ?? options.optimiser.epsilon
    options.optimiser.momentum = momentum ?? 0
    options.optimiser.nesterov = nesterov
    options.optimiser.weightDecay = weightDecay
    options.optimiser.clipNorm = clipNorm
  }
}

extension Schedule: ExpressibleByArgument {
  public init?(argument: String) {
    let parts = argument.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    switch (parts[0], parts.count > 1 ? String(parts[1]) : nil) {
    case ("constant", nil): self = .constant
    case ("cosine", nil): self = .cosine
    case ("stages", let count?):
      guard let count = Int(count), 1...12 ~= count else { return nil }
      self = .stages(count)
    case ("step", let values?):
      guard let pair = NumberPair(argument: values), let epochs = Int(exactly: pair.first),
        epochs > 0, pair.second > 0
      else { return nil }
      self = .step(epochs: epochs, factor: pair.second)
    default: return nil
    }
  }

  public var defaultValueDescription: String { "constant" }
}

/// How `vae-fit` is watched, stopped and taken up again.
public struct ControlOptions: ParsableArguments {
  @Option(
    help: "Validate after each epoch on this share of the rows, held out, or on a file's rows.",
    completion: .file())
  public var valid: Validation?

  @Option(help: "The labels of the rows that --valid FILE holds.", completion: .file())
  public var validLabels: String?

  @Option(help: "End after so many epochs without a better validation loss; keep the best model.")
  public var patience: Int?

  @Option(
    help: "Write the figures of the run to this file, as JSON lines.", completion: .file())
  public var log: String?

  @Option(help: "Keep a file from which the run can be resumed.", completion: .file())
  public var checkpoint: String?

  @Option(
    help:
      "Write the checkpoint after so many epochs, or so much time (90s, 10m, 2h). (default: 1)")
  public var every: CheckpointInterval?

  @Option(
    help:
      "Take up the run of this checkpoint, and keep it; give the options of that run again.",
    completion: .file())
  public var resume: String?

  @Option(help: "End after this time (90s, 10m, 2h).")
  public var maxTime: TimeSpan?

  @Option(
    name: .customLong("init"), help: "Start from the weights of this model.",
    completion: .file())
  public var initial: String?

  @Flag(help: "With --init, take the weights whose names and shapes are the same.")
  public var initMatching = false

  @Option(help: "Leave these as they are: encoder, decoder, or names of layers, comma-separated.")
  public var freeze: String?

  public init() {}

  public func validate() throws {
    if let patience {
      guard patience > 0 else {
        throw ValidationError("--patience: expected at least 1, got \(patience)")
      }
      guard valid != nil else { throw ValidationError("--patience needs --valid") }
    }
    guard initial == nil || resume == nil else {
      throw ValidationError("--init and --resume exclude each other")
    }
    guard !initMatching || initial != nil else {
      throw ValidationError("--init-matching needs --init")
    }
    if every != nil, checkpoint == nil, resume == nil {
      throw ValidationError("--every needs --checkpoint")
    }
  }

  /// - Throws: a usage error for an option of the model's that has no effect.
  public func requireEffect(on model: ModelOptions) throws {
    guard initial != nil, !initMatching else { return }
    try refuse(
      ["--init-scheme": model.initScheme != nil, "--bias-from-data": model.biasFromData],
      where: "--init, which gives all weights")
  }

  /// - Throws: a usage error where rows to validate on and labels do not go together.
  public func requireLabels(_ labels: String?) throws {
    if labels != nil, validationFile != nil, validLabels == nil {
      throw ValidationError("--labels and --valid FILE need --valid-labels")
    }
    if validLabels != nil, labels == nil || validationFile == nil {
      throw ValidationError("--valid-labels goes with --labels and --valid FILE")
    }
  }

  private var validationFile: String? {
    if case .file(let path) = valid { path } else { nil }
  }

  /// - Throws: a usage error where writing one of the files would destroy another.
  public func requireApart(
    output: String?, rows: String?, labels: String?, _ streams: StreamOptions
  ) throws {
    try streams.requireApart(
      ("the rows", rows), ("--labels", labels), ("--valid", validationFile),
      ("--valid-labels", validLabels), ("-o", output), ("--checkpoint", checkpoint),
      ("--log", log))
    try streams.requireApart(("--resume", resume), ("--log", log))
    try streams.requireApart(("--init", initial), ("--log", log))
  }

  /// What is left of a run that was interrupted.
  public func afterInterrupt(_ trainer: Trainer) -> String {
    guard let path = control.checkpoint else {
      return "interrupted: the run is lost; --checkpoint FILE would have kept it"
    }
    return "interrupted after step \(trainer.stepsDone); go on with --resume \(path)"
  }

  /// `rows` with those set apart that `--valid` asks for.
  ///
  /// - Parameter classes: the labels that the rows have, if they have some.
  public func heldOut(
    of rows: Columns, classes: [Int]?, seed: UInt64, _ streams: StreamOptions
  ) throws -> TrainingRows {
    switch valid {
    case nil: return TrainingRows(rows)
    case .share(let share): return try TrainingRows(rows, holdingOut: share, seed: seed)
    case .file(let path):
      let held = try RowStore(mapping: path)
      guard let validLabels, let classes else {
        return TrainingRows(rows, validationColumns: Columns(held))
      }
      return try TrainingRows(
        rows,
        validationColumns: Labels(streams.labels(validLabels, besides: []))
          .columns(of: held, among: classes))
    }
  }

  public var control: TrainingControl {
    var control = TrainingControl()
    control.checkpoint = checkpoint ?? resume
    control.every = every?.interval ?? control.every
    control.maxTime = maxTime?.duration
    return control
  }
}

/// All that the outcome of a run depends on, from the groups of options.
public func trainingOptions(
  _ objective: ObjectiveOptions, _ optimiser: OptimiserArguments, _ control: ControlOptions,
  precision: Precision
) -> TrainingOptions {
  var options = TrainingOptions()
  objective.set(&options)
  optimiser.set(&options)
  options.precision = precision
  options.patience = control.patience
  options.freeze = control.freeze?.split(separator: ",").map(String.init) ?? []
  return options
}

/// A share of the rows, above 0 and below 1, or a file.
public enum Validation: ExpressibleByArgument, Sendable {
  case share(Double)
  case file(String)

  public init?(argument: String) {
    guard let share = Double(argument) else {
      self = .file(argument)
      return
    }
    guard share > 0, share < 1 else { return nil }
    self = .share(share)
  }
}

/// A time with its unit: `90s`, `10m`, `2h`.
public struct TimeSpan: ExpressibleByArgument, Sendable {
  public let duration: Duration

  public init?(argument: String) {
    guard let unit = argument.last, let number = Double(argument.dropLast()), number > 0,
      number <= 1e9
    else { return nil }
    switch unit {
    case "s": duration = .seconds(number)
    case "m": duration = .seconds(60 * number)
    case "h": duration = .seconds(3600 * number)
    default: return nil
    }
  }
}

/// A number of epochs, or a time with its unit.
public struct CheckpointInterval: ExpressibleByArgument, Sendable {
  public let interval: TrainingControl.Interval

  public init(_ interval: TrainingControl.Interval) { self.interval = interval }

  public init?(argument: String) {
    if let epochs = Int(argument) {
      guard epochs > 0 else { return nil }
      interval = .epochs(epochs)
    } else if let span = TimeSpan(argument: argument) {
      interval = .time(span.duration)
    } else {
      return nil
    }
  }
}
