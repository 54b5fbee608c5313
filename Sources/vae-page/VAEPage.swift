import ArgumentParser
import ToolSupport
import VAECore
import VAEPages

@main
struct VAEPage: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-page", "Write a page of HTML to look at a model: its latents, decoded as one moves.",
    discussion: """
      The page is one file, which runs the decoder in the browser and needs no network. With rows, \
      it has a map of their latents, and originals beside reconstructions, the worst first.
      """,
    examples: [
      "vae-page m.vae --data x.npy --labels y.npy > page.html",
      "mnist-cat test | vae-page m.vae --data - --log run.jsonl > page.html",
    ])

  @Argument(help: "The model, as vae-fit writes it.", completion: .file())
  var model: String

  @Option(help: ArgumentHelp("Rows to show; - is stdin.", valueName: "file"), completion: .file())
  var data: String?

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: ArgumentHelp("A tensor stream of one label or value a row.", valueName: "file"),
    completion: .file())
  var labels: String?

  @Option(help: ArgumentHelp("What the labels mean, from the least up.", valueName: "name,..."))
  var labelNames: WordList?

  @Option(
    help: ArgumentHelp("What the values of a row are called, a line each.", valueName: "file"),
    completion: .file())
  var names: String?

  @Option(
    help: ArgumentHelp("What vae-fit --log wrote, for the curves of the run.", valueName: "file"),
    completion: .file())
  var log: String?

  @Option(help: ArgumentHelp("Rows that go into the page at most.", valueName: "n"))
  var rows = 2000

  @Option(
    help: ArgumentHelp(
      "The size of an image, for rows of another shape: 480x640 is 480 high, 640 wide.",
      valueName: "hxw"))
  var shape: RowShape?

  @Flag(help: "Keep weights in 16 bits, which halves their size.")
  var f16 = false

  @Option(help: ArgumentHelp("The heading. (default: the model's file)", valueName: "text"))
  var title: String?

  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard 1...1_000_000 ~= rows else { throw ValidationError("--rows is from 1 to 1000000") }
    if labels != nil && data == nil { throw ValidationError("--labels needs --data") }
    if labelNames != nil && labels == nil { throw ValidationError("--label-names needs --labels") }
    if let shape, shape.size == nil { throw ValidationError("--shape is HEIGHTxWIDTH") }
    try streams.requireOneInput([model] + [data, labels, names, log].compactMap(\.self))
  }

  func run() throws {
    var options = PageOptions()
    options.rows = rows
    options.title = title
    options.labelNames = labelNames?.words ?? []
    options.columnNames = try names.map { try readNames(streams.input($0), of: "a name") } ?? []
    options.size = shape?.size
    options.halvesWeights = f16
    let sink = try streams.output()
    let page = try ModelPage(try streams.modelFile(model, besides: data ?? ""), options: options)
    if page.isConditional && data != nil && labels == nil {
      throw ValidationError("the model is conditional: -y, --labels gives the label of each row")
    }
    if let data {
      let store = try streams.rows(data)
      let labels = try labels.map {
        try PointLabels(TensorReader(streams.input($0)), count: store.rows)
      }
      let progress = streams.progress()
      let remarks = try page.add(store, labels: labels, pool: try workers.pool()) {
        progress.update("t-SNE \(Int($0 * 100)) %")
      }
      streams.warn(remarks)
      if store.rows > rows { streams.note("\(rows) of \(store.rows) rows; --rows takes more") }
    }
    if let log { page.add(try Metrics(try streams.input(log))) }
    let bytes = try page.write(to: sink)
    try sink.finish()
    streams.note("the page is \(fixed(Double(bytes) / 1e6, 1)) MB")
  }
}
