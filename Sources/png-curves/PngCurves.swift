import ArgumentParser
import ToolSupport
import VAECore
import VAEPlots

@main
struct PngCurves: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-curves", "Draw the metrics of training runs by epoch, one PNG picture.",
    discussion: """
      Reads the JSON lines that vae-fit --log writes, and draws a panel for each metric: solid \
      lines for training, dashed ones for the rows held out, and a colour for each file.
      """,
    examples: [
      "png-curves metrics.jsonl > curves.png",
      "png-curves --title 'weight of the divergence' beta1.jsonl beta4.jsonl > beta.png",
      "png-curves --metrics loss,gradient_norm,active_units metrics.jsonl > more.png",
    ])

  @Argument(
    help: "Metrics of one run each; none, or -, is standard input.", completion: .file())
  var files: [String] = []

  @Option(help: ArgumentHelp("A panel for each of these.", valueName: "name,..."))
  var metrics: WordList?

  @Option(help: ArgumentHelp("The size of the picture in pixels.", valueName: "wxh"))
  var size: PixelSize?

  @Flag(help: "A logarithmic axis; figures of 0 and less are left out.")
  var log = false

  @Option(help: ArgumentHelp("A line above the panels.", valueName: "text"))
  var title = ""

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard files.count(where: { $0 == "-" }) < 2 else {
      throw ValidationError("standard input can be read only once")
    }
  }

  func run() throws {
    var options = CurvesOptions()
    if let size { options.size = size }
    if let metrics { options.metrics = metrics.words }
    options.title = title
    options.isLogarithmic = log
    let sources = try files.isEmpty ? [streams.input()] : files.map { try streams.input($0) }
    let sink = try streams.output()
    let plot = try CurvesPlot(try sources.map { try Metrics($0) }, options: options)
    try plot.write(to: sink)
    try sink.finish()
  }
}
