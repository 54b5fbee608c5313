import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEFit: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-fit", "Train a variational autoencoder.",
    discussion: """
      Reads rows of any shape, learns from them in shuffled batches, and writes the model as a \
      safetensors file. Losses are in nats a row. The same rows, options and seed give the same \
      model, for any number of threads.
      """,
    examples: [
      "mnist-cat train | vae-fit -o m.vae",
      "vae-fit --input x.npy --hidden 512,256 --latent 32 --valid 0.1 -o m.vae",
      "vae-fit --input x.npy --epochs 100 --checkpoint run.ckpt -o m.vae",
      "vae-fit --input x.npy --epochs 100 --resume run.ckpt -o m.vae",
    ])

  @Option(name: .shortAndLong, help: "Write the model to this file, whole or not at all.")
  var output: String?

  @Option(help: "Read the rows from this file, mapped where it allows that.")
  var input: String?

  @OptionGroup(title: "Model") var model: ModelOptions
  @OptionGroup(title: "Objective") var objective: ObjectiveOptions
  @OptionGroup(title: "Optimiser") var optimiser: OptimiserArguments
  @OptionGroup(title: "Control") var control: ControlOptions
  @OptionGroup(title: "Engine") var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func run() throws {
    let file = try output.flatMap { $0 == "-" ? nil : try AtomicFile(path: $0) }
    let sink = try file?.sink ?? streams.output()
    let log = try control.log.map { try TrainingLog(path: $0, resumed: control.resume != nil) }
    let checkpoint = try control.resume.map { try Checkpoint(ByteSource(path: $0)) }
    let rows = try streams.rows(input, hashing: true)
    let held = try control.heldOut(of: rows, seed: optimiser.seed)
    Interrupt.hold()

    let vae = try VAE(model.configuration(inputShape: rows.rowShape), seed: optimiser.seed)
    try vae.start(
      seed: optimiser.seed, biasFrom: model.biasFromData ? (rows, held.training) : nil,
      weights: try control.initial.map { try ModelFile.read(ByteSource(path: $0)) },
      matching: control.initMatching)
    let trainer = try Trainer(
      vae, on: held,
      options: trainingOptions(
        objective, optimiser, control, precision: engine.precision(or: .fastest)),
      control: control.control, resuming: checkpoint,
      pool: try engine.pool())
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
    if outcome == .interrupted { return }
    for warning in trainer.warnings { progress.note("warning: \(warning.advice)") }
    try trainer.write(to: sink)
    try file.map { try $0.commit() } ?? sink.finish()
    try log?.finish(trainer, outcome: outcome)
  }
}
