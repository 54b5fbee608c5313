import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEDecode: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-decode", "Decode latents to images.",
    discussion: """
      Reads rows of latents and writes the mean image of each, in the shape of the rows the model \
      learned from.
      """,
    examples: [
      "randn 64 20 | vae-decode m.vae | png-grid > out.png",
      "vae-encode m.vae < x.npy | vae-decode m.vae > reconstructions.npy",
      "randn 64 20 | vae-decode conditional.vae --label 7 | png-grid > sevens.png",
    ])

  @Argument(help: "The model, as vae-fit writes it.", completion: .file())
  var model: String

  @Argument(help: "The latents; standard input when there is none.", completion: .file())
  var input: String?

  @Flag(help: "Write a draw from each likelihood, not its mean.")
  var sample = false

  @Option(help: "Repeat the draws of this seed. (default: 0)")
  var seed: UInt64?

  @OptionGroup var labels: LabelOptions

  @Option(help: "In place of --labels, one label for all rows.")
  var label: Int?

  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if seed != nil && !sample { throw ValidationError("--seed goes with --sample") }
    if label != nil && labels.labels != nil {
      throw ValidationError("--label and --labels exclude each other")
    }
  }

  func run() throws {
    let model = try streams.model(self.model, besides: input)
    let labels = try self.labels.rowLabels(
      for: model, all: label, streams, besides: [input, self.model])
    let (reader, report) = try streams.reportedRows(input)
    let sink = try streams.output()
    let decoder = try model.makeDecoder(
      sample ? .sample(seed: seed ?? 0) : .mean, precision: engine.precision(or: .f32),
      labels: labels, pool: try engine.pool())
    try decoder.stream(reader, to: sink, rowShape: model.inputShape, report: report)
    try sink.finish()
  }
}
