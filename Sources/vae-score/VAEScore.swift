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

  @OptionGroup(title: "Score") var scoring: ScoringOptions

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

  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if !flags && (sigmas ?? threshold) != nil || sigmas != nil && threshold != nil {
      throw ValidationError("--flags takes --sigmas or --threshold, and nothing else does")
    }
    if json && !summary { throw ValidationError("--json goes with --summary") }
    if flags && summary { throw ValidationError("--flags and --summary exclude each other") }
    if scoring.classify {
      try refuse(["--summary": summary, "--flags": flags], where: "--classify")
    }
    if flags && threshold == nil && (scoring.term != .elbo || scoring.particles ?? 1 > 1) {
      throw ValidationError("--flags compares the elbo at the mean, unless --threshold is given")
    }
  }

  func run() throws {
    let file = try streams.modelFile(model, besides: input)
    let model = try ModelFile.model(in: file)
    let (reader, report) = try streams.reportedRows(input)
    var options = scoring.options(precision: engine.precision(or: .f32))
    if flags && threshold == nil { options.atMean = true }
    let (scorer, rowShape) = try scoring.scorer(
      options, of: model, streams, besides: [input, self.model], pool: engine.pool())
    if summary {
      var statistics = try scorer.statistics(of: reader, report: report)
      statistics.dimensionsInBits = model.dimensionsInBits
      try streams.print(
        json ? statistics.json(of: scoring.term) : statistics.text(of: scoring.term))
      return streams.warn(scorer.remarks)
    }
    let sink = try streams.output()
    if flags {
      let limit = try threshold ?? ScoreStatistics(storedIn: file).threshold(sigmas: sigmas ?? 3)
      try scorer.streamFlags(above: limit, reader, to: sink, report: report)
    } else {
      try scorer.stream(reader, to: sink, rowShape: rowShape, report: report)
    }
    try sink.finish()
    streams.warn(scorer.remarks)
  }
}
