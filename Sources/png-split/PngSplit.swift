import ArgumentParser
import ToolSupport
import VAECore

@main
struct PngSplit: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-split", "Write each row of a tensor stream as a PNG picture of its own.",
    discussion: """
      The files are 0000.png, 0001.png and so on in the current folder, or have the names of a \
      list. Rows are (H, W), (C, H, W) with 1, 3 or 4 channels, or flat squares; 0 is black and 1 \
      is white; u1 rows hold 0 to 255.
      """,
    examples: [
      "randn 8 20 | vae-decode m.vae | png-split --prefix out/digit-",
      "png-cat --list names *.png > x.npy",
      "vae-encode m.vae x.npy | vae-decode m.vae | png-split --prefix out/ --names-from names",
    ])

  @Argument(
    help: ArgumentHelp("A tensor stream; none, or -, is standard input.", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    help: ArgumentHelp("What the files' names begin with, folder and all.", valueName: "text"))
  var prefix = ""

  @Option(
    help: ArgumentHelp(
      "Name the files after those in this list, a line each, as .png.", valueName: "file"),
    completion: .file())
  var namesFrom: String?

  @Option(
    help: ArgumentHelp(
      "The size of an image, for rows of another shape: 480x640 is 480 high, 640 wide.",
      valueName: "hxw"))
  var shape: RowShape?

  @Flag(help: "Rows are (H, W, C), a pixel's channels together.")
  var channelsLast = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if let shape, shape.size == nil { throw ValidationError("--shape is HEIGHTxWIDTH") }
    try streams.requireOneInput([file ?? "-"] + (namesFrom == "-" ? ["-"] : []))
  }

  func run() throws {
    let names = try namesFrom.map {
      try PictureFileNames(
        prefix: prefix, names: try readNames(try streams.input($0)), list: $0)
    }
    try writePictureFiles(
      of: try TensorReader(try streams.input(file)), size: shape?.size,
      channelsLast: channelsLast, named: names ?? PictureFileNames(prefix: prefix))
  }
}
