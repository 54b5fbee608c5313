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
      "vae-fit --input x.npy --hidden 512,256 --latent 32 --epochs 50 --valid 0.1 -o m.vae",
      "mnist-cat train | vae-fit --beta 4 --log metrics.jsonl > m.vae",
    ])

  @Option(name: .shortAndLong, help: "Write the model to this file, whole or not at all.")
  var output: String?

  @Option(help: "Read the rows from this file, mapped where it allows that.")
  var input: String?

  @OptionGroup var model: ModelOptions
  @OptionGroup var training: FitOptions
  @OptionGroup var engine: EngineOptions
  @OptionGroup var streams: StreamOptions

  func run() throws {
    let file = try output.flatMap { $0 == "-" ? nil : try AtomicFile(path: $0) }
    let sink = try file?.sink ?? streams.output()
    let log = try training.log.map { try TrainingLog(path: $0) }
    let rows = try streams.rows(input)
    let held = try training.heldOut(of: rows)
    Interrupt.hold()

    let vae = try VAE(model.configuration(inputShape: rows.rowShape))
    vae.parameters.initialise(seed: training.seed)
    let trainer = try Trainer(
      vae, on: held, options: training.options(engine.precision(or: .fastest)),
      pool: try WorkerPool(threads: engine.threads))
    streams.note(trainer.summary)
    let progress = streams.progress()
    do {
      try trainer.run(stop: { Interrupt.requested }) { event in
        progress.show(event)
        try log?.write(event)
      }
    } catch let error as TrainingError where file != nil && trainer.epochsDone > 0 {
      try ModelFile.write(vae, training: trainer.record, to: sink)
      try file?.commit()
      progress.note("\(sink.name) holds the model after epoch \(trainer.epochsDone)")
      throw error
    }
    if Interrupt.requested { return }
    trainer.warnings.forEach { progress.note("warning: \($0)") }
    try ModelFile.write(vae, training: trainer.record, to: sink)
    try file.map { try $0.commit() } ?? sink.finish()
    try log?.finish()
  }
}
