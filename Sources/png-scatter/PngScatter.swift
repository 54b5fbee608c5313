import ArgumentParser
import ToolSupport
import VAECore
import VAEPlots

@main
struct PngScatter: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-scatter", "Draw rows of two numbers as points, one PNG picture.",
    discussion: """
      With labels, each kind of point has a colour of its own, its name among its points, and a \
      place in the legend. Labels that are no whole numbers, or more than 20 different ones, are \
      values on a scale of colours.
      """,
    examples: [
      "vae-encode m.vae < x.npy | tsne | png-scatter --labels labels.npy > map.png",
      "mnist-cat test --labels > y.npy; pca -k 2 z.npy | png-scatter --labels y.npy > pca.png",
    ])

  @Argument(help: "The points; none, or -, is standard input.", completion: .file())
  var file: String?

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: ArgumentHelp("A tensor stream of one label or value a point.", valueName: "file"),
    completion: .file())
  var labels: String?

  @Option(
    help: ArgumentHelp("What the labels mean, from the least up.", valueName: "name,..."))
  var names: WordList?

  @Option(help: ArgumentHelp("The size of the picture in pixels.", valueName: "wxh"))
  var size: PixelSize?

  @Option(help: ArgumentHelp("A line above the plot.", valueName: "text"))
  var title = ""

  @Option(help: ArgumentHelp("A line below the x axis.", valueName: "text"))
  var xLabel = ""

  @Option(help: ArgumentHelp("A line beside the y axis.", valueName: "text"))
  var yLabel = ""

  @Flag(help: "Scale each axis by itself, to fill the picture.")
  var stretch = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if names != nil && labels == nil { throw ValidationError("--names needs --labels") }
    if labels == "-" && (file == nil || file == "-") {
      throw ValidationError("the points and the labels cannot both come from standard input")
    }
  }

  func run() throws {
    var options = ScatterOptions()
    if let size { options.size = size }
    options.title = title
    options.xLabel = xLabel
    options.yLabel = yLabel
    options.names = names?.words ?? []
    options.stretch = stretch
    let source = try streams.input(file)
    let sink = try streams.output()
    let plot = try ScatterPlot(try TensorReader(source), options: options)
    if let labels { try plot.readLabels(try TensorReader(try streams.input(labels))) }
    try plot.write(to: sink)
    try sink.finish()
  }
}
