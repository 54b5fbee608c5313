import ArgumentParser
import ToolSupport
import VAECore

@main
struct PngGrid: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-grid", "Draw the rows of a tensor stream as one PNG picture, a grid of images.",
    discussion: """
      Rows are (H, W), (C, H, W) with 1, 3 or 4 channels, or flat squares. 0 is black and 1 is \
      white; u1 rows hold 0 to 255. The pixels equal those of torchvision's save_image.
      """,
    examples: [
      "randn 64 20 | vae-decode m.vae | png-grid > out.png",
      "png-grid --columns 10 --normalize --each weights.npy > weights.png",
      "png-grid --scale 4 --row-captions data,model both.npy > both.png",
    ])

  @Argument(
    help: ArgumentHelp("A tensor stream; none, or -, is standard input.", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(help: ArgumentHelp("Images side by side.", valueName: "n"))
  var columns = 8

  @Option(help: ArgumentHelp("Pixels around each image.", valueName: "n"))
  var padding = 2

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What those pixels hold. (default: 0.0)", valueName: "value"))
  var padValue: Double?

  @Option(help: ArgumentHelp("Enlarge images so many times, pixel by pixel.", valueName: "n"))
  var scale = 1

  @Option(help: ArgumentHelp("Words at the left of the rows, comma-separated.", valueName: "words"))
  var rowCaptions: WordList?

  @Option(help: ArgumentHelp("Words above the columns, comma-separated.", valueName: "words"))
  var columnCaptions: WordList?

  @Option(
    help: ArgumentHelp(
      "The size of an image, for rows of another shape: 480x640 is 480 high, 640 wide.",
      valueName: "hxw"))
  var shape: RowShape?

  @Flag(help: "Rows are (H, W, C), a pixel's channels together.")
  var channelsLast = false

  @Flag(help: "Spread the range from the least to the greatest value over black to white.")
  var normalize = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Normalize, from this range and no other.", valueName: "lo,hi"))
  var range: NumberPair?

  @Flag(help: "Normalize each image by its own range.")
  var each = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard columns > 0 else { throw ValidationError("--columns must be at least 1") }
    guard (0...65_535).contains(padding) else {
      throw ValidationError("--padding must be from 0 to 65535")
    }
    guard 1...256 ~= scale else { throw ValidationError("--scale must be from 1 to 256") }
    guard padValue?.isFinite ?? true else {
      throw ValidationError("--pad-value must be a finite number")
    }
    if padValue != nil && padding == 0 { throw ValidationError("--pad-value needs --padding") }
    if each && range != nil { throw ValidationError("--range and --each exclude each other") }
    if let shape, shape.size == nil { throw ValidationError("--shape is HEIGHTxWIDTH") }
    if let range, range.first > range.second {
      throw ValidationError("--range takes the lower bound first")
    }
  }

  func run() throws {
    var options = GridOptions()
    options.columns = columns
    options.padding = padding
    options.padValue = padValue ?? 0
    options.scale = scale
    options.rowCaptions = rowCaptions?.words ?? []
    options.columnCaptions = columnCaptions?.words ?? []
    if each { options.scaling = .each } else if normalize { options.scaling = .whole }
    if let range { options.scaling = .range(low: range.first, high: range.second) }
    let source = try streams.input(file)
    let sink = try streams.output()
    try writeGrid(
      of: try TensorReader(source), size: shape?.size, channelsLast: channelsLast,
      options: options, to: sink)
    try sink.finish()
  }
}
