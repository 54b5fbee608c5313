import ArgumentParser
import ToolSupport
import VAECore

@main
struct Pca: Tool {
  static let configuration = CommandConfiguration.tool(
    "pca", "Project rows on their principal components.",
    discussion: """
      Writes the coordinates of each row along the directions in which the rows vary most. The \
      analysis can be saved, and then projects other rows the same way.
      """,
    examples: [
      "vae-encode m.vae < x.npy | pca -k 2 | png-scatter > latents.png",
      "mnist-cat train | pca -k 20 -o digits.pca > train.npy",
      "mnist-cat test | pca --model digits.pca > test.npy",
    ])

  @Option(
    name: .customShort("k", allowingJoined: true),
    help: ArgumentHelp("How many components; 2, or all that the model has.", valueName: "count"))
  var components: Int?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("Save the analysis.", valueName: "file"), completion: .file())
  var output: String?

  @Option(
    help: ArgumentHelp("Project by this analysis, not by one of these rows.", valueName: "file"),
    completion: .file())
  var model: String?

  @Flag(help: "Divide each coordinate by its standard deviation.")
  var whiten = false

  @Argument(help: "The rows; none, or -, is standard input.", completion: .file())
  var file: String?

  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard components.map({ $0 >= 1 }) ?? true else {
      throw ValidationError("-k must be at least 1")
    }
    if model != nil && output != nil {
      throw ValidationError("--model and --output exclude each other")
    }
  }

  func run() throws {
    try streams.requireApart(("the rows", file), ("-o", output))
    let sink = try streams.output()
    let pool = try workers.pool()
    if let model {
      let saved = try PCA(try ByteSource(path: model))
      let pca = try components.map { try saved.prefix($0, name: model) } ?? saved
      let reader = try TensorReader(try streams.input(file))
      try PCAProjector(pca, whiten: whiten, pool: pool)
        .stream(reader, to: sink, rowShape: [pca.count])
      return try sink.finish()
    }
    let saved = try output.map { try AtomicFile(path: $0) }
    let rows = try streams.rows(file)
    let pca = try PCA(of: rows, components: components ?? 2, pool: pool)
    streams.note(pca.summary)
    if let saved {
      try pca.write(to: saved.sink)
      try saved.commit()
    }
    try PCAProjector(pca, whiten: whiten, pool: pool)
      .stream(rows, to: sink, rowShape: [pca.count])
    try sink.finish()
  }
}
