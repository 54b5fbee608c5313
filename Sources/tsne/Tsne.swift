import ArgumentParser
import ToolSupport
import VAECore

@main
struct Tsne: Tool {
  static let configuration = CommandConfiguration.tool(
    "tsne", "Lay rows out in the plane so that neighbours stay neighbours.",
    discussion: """
      t-distributed stochastic neighbour embedding. Reads all rows, and writes a row of two \
      numbers for each. The same rows, options and seed give the same layout, for any number of \
      threads.
      """,
    examples: [
      "mnist-cat test | vae-encode m.vae | tsne > map.npy",
      "tsne --perplexity 50 z.npy | png-scatter --labels labels.npy > map.png",
    ])

  @Option(help: "About how many neighbours a point attends to.")
  var perplexity = 30.0

  @Option(help: "How often the points move.")
  var iterations = 1000

  @Option(help: "Draw the noise of the start from this seed.")
  var seed: UInt64 = 0

  @Flag(help: "Start from noise, not from the principal components.")
  var randomStart = false

  @Option(
    help: "How coarsely far points are summed; 0, exactly, up to 10000 rows, else 0.25.")
  var theta: Double?

  @Argument(help: "The rows; none, or -, is standard input.", completion: .file())
  var file: String?

  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard perplexity >= 1, perplexity <= 10_000 else {
      throw ValidationError("--perplexity must be from 1 to 10000")
    }
    guard iterations >= 1 else { throw ValidationError("--iterations must be at least 1") }
    guard theta.map({ 0...1 ~= $0 }) ?? true else {
      throw ValidationError("--theta must be from 0 to 1")
    }
  }

  func run() throws {
    var options = TSNEOptions()
    options.perplexity = perplexity
    options.iterations = iterations
    options.seed = seed
    options.randomStart = randomStart
    options.theta = theta
    let sink = try streams.output()
    let rows = try streams.rows(file)
    let progress = streams.progress()
    let tsne = try TSNE(rows, options: options, pool: try workers.pool()) {
      progress.show($0, of: options)
    }
    _ = tsne.run { progress.show($0, of: options) }
    try tsne.write(to: sink)
    try sink.finish()
  }
}
