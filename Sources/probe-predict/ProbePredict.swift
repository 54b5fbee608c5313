import ArgumentParser
import ToolSupport
import VAECore

@main
struct ProbePredict: Tool {
  static let configuration = CommandConfiguration.tool(
    "probe-predict", "Predict the labels of rows.",
    discussion: """
      Writes the most probable label of each row, or the probabilities of all, by a probe that \
      probe-fit made. With --labels it says on standard error how often that is right.
      """,
    examples: [
      "mnist-cat test | vae-encode m.vae | probe-predict digits.probe > guesses.npy",
      "mnist-cat test --labels > y.npy; probe-predict digits.probe --labels y.npy z.npy > /dev/null",
    ])

  @Argument(help: "The probe, as probe-fit writes it.", completion: .file())
  var probe: String

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var input: String?

  @Flag(help: "Write the probability of each class, in ascending order of their labels.")
  var probabilities = false

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: "The true labels to compare with, a whole number for each row; -1 and NaN for none.",
    completion: .file())
  var labels: String?

  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func run() throws {
    let probe = try streams.probe(self.probe, besides: input)
    let labels = try labels.map { try streams.labels($0, besides: [input, self.probe]) }
    let (reader, report) = try streams.reportedRows(input)
    let sink = try streams.output()
    let confusion = try probe.predict(
      reader, to: sink, probabilities: probabilities, comparing: labels,
      precision: engine.precision(or: .f32), pool: try engine.pool(),
      report: report)
    try sink.finish()
    if let confusion { streams.show(confusion) }
  }
}
