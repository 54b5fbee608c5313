import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEEncode: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-encode", "Encode rows as the means of their posteriors.",
    discussion: """
      Reads rows that fit the model, whatever their shape, and writes a row of latents for each. \
      Images of bytes stand for value/255.
      """,
    examples: [
      "mnist-cat test | vae-encode m.vae > z.npy",
      "vae-encode m.vae < x.npy | sparse-code -k 64 > codes.npy",
    ])

  @Argument(help: "The model, as vae-fit writes it.", completion: .file())
  var model: String

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var input: String?

  @Flag(help: "Write a draw from each posterior.")
  var sample = false

  @Flag(help: "Write the log-variances of the posteriors.")
  var logvar = false

  @Option(help: "Repeat the draws of this seed. (default: 0)")
  var seed: UInt64?

  @OptionGroup var labels: LabelOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if sample && logvar { throw ValidationError("--sample and --logvar exclude each other") }
    if seed != nil && !sample { throw ValidationError("--seed goes with --sample") }
  }

  func run() throws {
    let model = try streams.model(self.model, besides: input)
    let labels = try self.labels.rowLabels(for: model, streams, besides: [input, self.model])
    let (reader, report) = try streams.reportedRows(input)
    let sink = try streams.output()
    let encoder = try model.makeEncoder(
      sample ? .sample(seed: seed ?? 0) : logvar ? .logVariance : .mean,
      precision: engine.precision(or: .f32), labels: labels, pool: try engine.pool())
    try encoder.stream(reader, to: sink, rowShape: [model.latentSize], report: report)
    try sink.finish()
    streams.warn(encoder.remarks)
  }
}
