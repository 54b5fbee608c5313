public import ArgumentParser
public import VAECore

/// What `vae-fit` builds.
public struct ModelOptions: ParsableArguments {
  @Option(help: "Widths of the hidden layers, from the input on; the decoder has them in reverse.")
  public var hidden = IntegerList([400])

  @Option(help: "Dimensions of the latent space.")
  public var latent = 20

  @Option(help: "What the decoder gives: bernoulli (values in [0, 1]) or gaussian (any).")
  public var likelihood = LikelihoodChoice.bernoulli

  @Option(help: "The standard deviation of the Gaussian likelihood.")
  public var sigma: Float = 1

  @Option(help: "The weight of the divergence in the objective.")
  public var beta: Float = 1

  public init() {}

  public func validate() throws {
    guard !hidden.values.isEmpty, hidden.values.allSatisfy({ 1..<1 << 31 ~= $0 }) else {
      throw ValidationError("--hidden: expected widths of at least 1, got \(hidden.defaultValueDescription)")
    }
    guard 1..<1 << 30 ~= latent else {
      throw ValidationError("--latent: expected at least 1, got \(latent)")
    }
    guard sigma > 0, sigma.isFinite else {
      throw ValidationError("--sigma: expected a positive number, got \(sigma)")
    }
    guard beta >= 0, beta.isFinite else {
      throw ValidationError("--beta: expected 0 or more, got \(beta)")
    }
  }

  /// The model's configuration for rows of that shape.
  public func configuration(inputShape: [Int]) -> VAEConfiguration {
    VAEConfiguration(
      inputShape: inputShape, hidden: hidden.values, latent: latent,
      likelihood: likelihood == .bernoulli ? .bernoulli : .gaussian(sigma: sigma), beta: beta)
  }
}

public enum LikelihoodChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case bernoulli, gaussian
}

/// How `vae-fit` trains.
public struct FitOptions: ParsableArguments {
  @Option(help: "Passes over the rows.")
  public var epochs = 10

  @Option(help: "Rows a step.")
  public var batch = 128

  @Option(name: .customLong("lr"), help: "Adam's learning rate.")
  public var learningRate = 1e-3

  @Option(help: "Repeat the initial weights, shuffling and noise of this seed.")
  public var seed: UInt64 = 0

  @Option(
    help: "Validate after each epoch on this share of the rows, held out, or on a file's rows.")
  public var valid: Validation?

  @Option(help: "Write the figures of each epoch to this file, as JSON lines.")
  public var log: String?

  public init() {}

  public func validate() throws {
    guard epochs > 0, epochs <= 1_000_000 else {
      throw ValidationError("--epochs: expected 1 to 1000000, got \(epochs)")
    }
    guard batch > 0 else { throw ValidationError("--batch: expected at least 1, got \(batch)") }
    guard learningRate > 0, learningRate.isFinite else {
      throw ValidationError("--lr: expected a positive number, got \(learningRate)")
    }
  }

  public func options(_ precision: Precision) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = epochs
    options.batch = batch
    options.learningRate = learningRate
    options.seed = seed
    options.precision = precision
    return options
  }

  /// `rows` with those set apart that `--valid` asks for.
  public func heldOut(of rows: RowStore) throws -> TrainingRows {
    switch valid {
    case nil: TrainingRows(rows)
    case .share(let share): try TrainingRows(rows, holdingOut: share, seed: seed)
    case .file(let path):
      try TrainingRows(rows, validationRows: RowStore(mapping: path))
    }
  }
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

extension Progress {
  /// Shows how far a training run is.
  public func show(_ event: TrainingEvent) {
    switch event {
    case .progress(let epoch, let share, let loss, let rate, let left):
      update(
        "epoch \(epoch) \(Int(share * 100)) %  loss \(fixed(loss, 2))  \(Int(rate)) images/s  "
          + "\(duration(left)) left")
    case .epoch(let report):
      let valid = report.validation.map { "  valid \(fixed($0.loss, 2))" } ?? ""
      let training = report.training
      milestone(
        "epoch \(report.epoch)/\(report.epochs)  loss \(fixed(training.loss, 2))"
          + "  recon \(fixed(training.reconstruction, 2))  kl \(fixed(training.kl, 2))\(valid)"
          + "  active \(report.activeUnits)/\(report.latent)  \(fixed(report.seconds, 2)) s"
          + "  \(Int(report.imagesPerSecond)) images/s")
    }
  }
}

/// Seconds as `1:02:03`, `2:03` or `3 s`.
private func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let whole = Int(seconds.rounded(.up))
  func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
  if whole < 60 { return "\(whole) s" }
  let (minutes, rest) = (whole / 60, whole % 60)
  return minutes < 60
    ? "\(minutes):\(two(rest))" : "\(minutes / 60):\(two(minutes % 60)):\(two(rest))"
}
