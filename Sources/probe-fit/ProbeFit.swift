import ArgumentParser
import ToolSupport
import VAECore

@main
struct ProbeFit: Tool {
  static let configuration = CommandConfiguration.tool(
    "probe-fit", "Learn labels from rows: softmax regression, or an encoder trained further.",
    discussion: """
      Fits softmax regression to rows and their labels and writes it as a probe. With --finetune \
      the rows are images, and the encoder of a model is trained together with the head. Accuracy \
      and confusion on the rows learned from go to standard error. The same rows, labels and \
      options give the same probe, for any number of threads.
      """,
    examples: [
      "mnist-cat train --labels > y.npy",
      "mnist-cat train | vae-encode m.vae | probe-fit --labels y.npy -o digits.probe",
      "mnist-cat train | probe-fit --finetune m.vae --labels y.npy -o digits.probe",
    ])

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var input: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: "Write the probe to this file, whole or not at all.", completion: .file())
  var output: String?

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: "The labels, a whole number for each row; -1 and NaN stand for none.", completion: .file()
  )
  var labels: String

  @OptionGroup(title: "Regression") var regression: RegressionArguments
  @OptionGroup(title: "Fine-tuning") var tuning: TuningArguments
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    try regression.requireEffect(on: tuning)
    if engine.precision != nil && tuning.finetune == nil {
      throw ValidationError("--precision is an option of --finetune")
    }
  }

  func run() throws {
    try streams.requireApart(("the rows", input), ("--labels", labels), ("-o", output))
    let file = try streams.file(output)
    let sink = try file?.sink ?? streams.output()
    let model = try tuning.finetune.map { try streams.model($0, besides: input) }
    let labels = try Labels(
      streams.labels(self.labels, besides: [input, tuning.finetune ?? ""]))
    let rows = try streams.rows(input)
    let fitter = try ProbeFitter(
      rows: rows, labels: labels, options: regression.options,
      pool: try engine.pool())
    let progress = streams.progress()
    let fitted: FittedProbe
    if let model {
      fitted = try fitter.tune(
        model, source: tuning.finetune ?? "", reinitialise: tuning.reinitialise,
        options: tuning.options(precision: engine.precision(or: .fastest)),
        report: progress.showTuning)
    } else {
      fitted = try fitter.fit(report: progress.showRegression)
    }
    for line in fitted.summary { progress.note(line) }
    streams.show(fitted.confusion)
    try fitted.write(to: sink)
    try file.map { try $0.commit() } ?? sink.finish()
  }
}
