import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEScore: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-score", "Score rows by how well a model explains them.",
    discussion: """
      Writes a number for each row, in nats unless the term is mse: the negative evidence lower \
      bound, a part of it, or an estimate of the negative log-likelihood. With --flags it writes a \
      byte, 1 where a row is less likely than the model is used to; with --classify, for a \
      conditional model, log p(x | y) + log p(y) for each label y.
      """,
    examples: [
      "mnist-cat test | vae-score m.vae > nats.npy",
      "mnist-cat test | vae-score m.vae --term nll --particles 500 --summary",
      "vae-score m.vae x.npy --flags --sigmas 4 > anomalies.npy",
      "vae-score conditional.vae x.npy --classify > by-label.npy",
    ])

  @Argument(help: "The model, as vae-fit writes it.", completion: .file())
  var model: String

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var input: String?

  @Option(help: "What to compute.")
  var term = ScoreTerm.elbo

  @Option(help: "Draws from the posterior for each row. (default: 1; 10 with --classify)")
  var particles: Int?

  @Flag(help: "Reconstruct at the posterior mean, without noise.")
  var atMean = false

  @Flag(help: "Print mean and standard error instead of a number for each row.")
  var summary = false

  @Flag(help: "Print the summary as JSON.")
  var json = false

  @Flag(help: "Write 1 for rows that score above the threshold, else 0; needs no --term.")
  var flags = false

  @Option(
    help: "The threshold, in standard deviations above the mean that the model keeps. (default: 3)")
  var sigmas: Double?

  @Option(help: "The threshold of --flags, as a score.")
  var threshold: Double?

  @Flag(help: "Write log p(x | y) + log p(y) for each label y of a conditional model, ascending.")
  var classify = false

  @Option(help: "Repeat the draws of this seed. (default: 0)")
  var seed: UInt64?

  @OptionGroup var labels: LabelOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    try requireParticles(particles)
    if !flags && (sigmas ?? threshold) != nil || sigmas != nil && threshold != nil {
      throw ValidationError("--flags takes --sigmas or --threshold, and nothing else does")
    }
    if (atMean || term == .kl) && (particles != nil || seed != nil) {
      throw ValidationError("--particles and --seed go with draws, which this score has none of")
    }
    if atMean && term == .nll { throw ValidationError("--term nll needs draws, not --at-mean") }
    if json && !summary { throw ValidationError("--json goes with --summary") }
    if classify {
      try refuse(
        [
          "--term": term != .elbo, "--at-mean": atMean, "--summary": summary, "--flags": flags,
          "--labels": labels.labels != nil,
        ], where: "--classify")
    }
    if flags && summary { throw ValidationError("--flags and --summary exclude each other") }
    if flags && threshold == nil && (term != .elbo || particles ?? 1 > 1) {
      throw ValidationError("--flags compares the elbo at the mean, unless --threshold is given")
    }
  }

  func run() throws {
    let file = try streams.modelFile(model, besides: input)
    let model = try ModelFile.model(in: file)
    let (reader, report) = try streams.reportedRows(input)
    var options = ScoreOptions()
    options.term = term
    options.particles = particles ?? (classify ? 10 : 1)
    options.atMean = atMean || flags && threshold == nil
    options.seed = seed ?? 0
    options.precision = engine.precision(or: .f32)
    if classify {
      guard let classes = model.roles.label?.classes.count else {
        throw ValidationError("--classify needs a conditional model, of vae-fit --labels")
      }
      let classifier = try model.makeClassifier(options, pool: try engine.pool())
      let sink = try streams.output()
      try classifier.stream(reader, to: sink, rowShape: [classes], report: report)
      try sink.finish()
      return streams.warn(classifier.remarks)
    }
    let labels = try self.labels.rowLabels(for: model, streams, besides: [input, self.model])
    let scorer = try model.makeScorer(options, labels: labels, pool: try engine.pool())
    if summary {
      var statistics = try scorer.statistics(of: reader, report: report)
      statistics.dimensionsInBits = model.dimensionsInBits
      try streams.print(json ? statistics.json(of: term) : statistics.text(of: term))
      return streams.warn(scorer.remarks)
    }
    let sink = try streams.output()
    if flags {
      let limit = try threshold ?? ScoreStatistics(storedIn: file).threshold(sigmas: sigmas ?? 3)
      try scorer.streamFlags(above: limit, reader, to: sink, report: report)
    } else {
      try scorer.stream(reader, to: sink, rowShape: [], report: report)
    }
    try sink.finish()
    streams.warn(scorer.remarks)
  }
}
