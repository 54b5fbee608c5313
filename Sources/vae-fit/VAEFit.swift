import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEFit: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-fit", "Train a variational autoencoder.",
    discussion: """
      Reads rows of any shape, learns from them in shuffled batches, and writes the model as a \
      safetensors file. Losses are in nats a row; with --likelihood gaussian they may be negative. \
      The same rows, options and seed give the same model, for any number of threads.
      """,
    examples: [
      "mnist-cat train | vae-fit -o m.vae",
      "vae-fit x.npy --hidden 512,256 --latent 32 --valid 0.1 -o m.vae",
      "vae-fit x.npy --epochs 100 --checkpoint run.ckpt -o m.vae",
      "vae-fit x.npy --epochs 100 --resume run.ckpt -o m.vae",
      "vae-fit x.npy -y labels.npy -o conditional.vae",
    ])

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var rows: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: "Write the model to this file, whole or not at all.", completion: .file())
  var output: String?

  @Option(help: ArgumentHelp("The rows, as 0.1 had it.", visibility: .hidden))
  var input: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Objective") var objective: ObjectiveOptions
  @OptionGroup(title: "Optimiser") var optimiser: OptimiserArguments
  @OptionGroup(title: "Control") var control: ControlOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if rows != nil && input != nil { throw ValidationError("--input is the operand; name one") }
    try objective.requireEffect(on: model)
    try control.requireEffect(on: model)
    try control.requireLabels(model.labels)
  }

  func run() throws {
    let source = rows ?? input
    try control.requireApart(output: output, rows: source, labels: model.labels, streams)
    let file = try streams.file(output)
    let sink = try file?.sink ?? streams.output()
    let checkpoint = try control.resume.map { try Checkpoint(ByteSource(path: $0)) }
    let labels = try model.labels.map { try Labels(streams.labels($0, besides: [source])) }
    let rows = try streams.rows(source, hashing: true)
    let held = try control.heldOut(
      of: labels?.columns(of: rows) ?? Columns(rows), classes: labels?.classes,
      seed: optimiser.seed, streams)

    let vae = try VAE(
      model.configuration(for: held, classes: labels?.classes, objective), seed: optimiser.seed)
    try vae.start(
      biasFrom: model.biasFromData ? (rows, held.training) : nil,
      weights: try control.initial.map { try ModelFile.read(ByteSource(path: $0)) },
      matching: control.initMatching)
    let trainer = try Trainer(
      vae, on: held,
      options: trainingOptions(
        objective, optimiser, control, precision: engine.precision(or: .fastest)),
      control: control.control, resuming: checkpoint, pool: try engine.pool())
    let log = try streams.log(control.log, continued: checkpoint != nil, beside: output)
      .map(TrainingLog.init)
    Interrupt.hold()
    streams.note(trainer.summary)
    let progress = streams.progress()
    let outcome: Trainer.Outcome
    do {
      outcome = try trainer.run(
        stop: { Interrupt.requested },
        report: { event in
          progress.show(event)
          try log?.write(event)
        })
    } catch let error as TrainingError where file != nil && trainer.epochsDone > 0 {
      // Where even the last epoch's model has no finite loss, nothing is written.
      if (try? trainer.write(to: sink)) != nil {
        try file?.commit()
        progress.note("\(sink.name) holds the model after epoch \(trainer.epochsDone)")
      }
      throw error
    }
    if outcome == .interrupted { return progress.note(control.afterInterrupt(trainer)) }
    Interrupt.release()
    for warning in trainer.warnings { progress.note("warning: \(warning.advice)") }
    try trainer.write(to: sink)
    try file.map { try $0.commit() } ?? sink.finish()
    try log?.finish(trainer, outcome: outcome)
    progress.note(trainer.conclusion(outcome, written: sink.name))
  }
}
