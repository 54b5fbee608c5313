public import ArgumentParser
public import VAECore

/// What `vae-score` computes of each row.
public struct ScoringOptions: ParsableArguments {
  @Option(help: "What to compute.")
  public var term = ScoreTerm.elbo

  @Option(help: "Draws from the posterior for each row. (default: 1; 10 with --classify)")
  public var particles: Int?

  @Flag(help: "Reconstruct at the posterior mean, without noise.")
  public var atMean = false

  @Flag(help: "Write log p(x | y) + log p(y) for each label y of a conditional model, ascending.")
  public var classify = false

  @Option(help: "Repeat the draws of this seed. (default: 0)")
  public var seed: UInt64?

  @OptionGroup public var labels: LabelOptions

  public init() {}

  public func validate() throws {
    try requireParticles(particles)
    if (atMean || term == .kl) && (particles != nil || seed != nil) {
      throw ValidationError("--particles and --seed go with draws, which this score has none of")
    }
    if atMean && term == .nll { throw ValidationError("--term nll needs draws, not --at-mean") }
    if classify {
      try refuse(
        ["--term": term != .elbo, "--at-mean": atMean, "--labels": labels.labels != nil],
        where: "--classify")
    }
  }

  public func options(precision: Precision) -> ScoreOptions {
    var options = ScoreOptions()
    options.term = term
    options.particles = particles ?? (classify ? 10 : 1)
    options.atMean = atMean
    options.seed = seed ?? 0
    options.precision = precision
    return options
  }

  /// What gives the rows their scores, and the shape of one of these.
  ///
  /// - Parameter others: what else may come from standard input.
  /// - Throws: a usage error where the model needs labels and has none, or the other way round.
  public func scorer(
    _ options: ScoreOptions, of model: any LatentModel, _ streams: StreamOptions,
    besides others: [String?], pool: WorkerPool
  ) throws -> (any RowTransform, rowShape: [Int]) {
    guard classify else {
      let labels = try labels.rowLabels(for: model, streams, besides: others)
      return (try model.makeScorer(options, labels: labels, pool: pool), [])
    }
    guard let classes = model.roles.label?.classes.count else {
      throw ValidationError("--classify needs a conditional model, of vae-fit --labels")
    }
    return (try model.makeClassifier(options, pool: pool), [classes])
  }
}
