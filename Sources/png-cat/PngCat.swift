import ArgumentParser
import ToolSupport
import VAECore

@main
struct PngCat: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-cat", "Write PNG pictures as a tensor stream of bytes.",
    discussion: """
      Grey pictures become rows (H, W), others (C, H, W) with 3 or 4 channels. All must have the \
      same size and channels, their own or those asked for.
      """,
    examples: [
      "png-cat --size 28x28 --grey *.png | vae-encode m.vae > z.npy",
      "png-cat photo.png --channels-last > photo.npy",
    ])

  @Argument(
    help: "The pictures; - is standard input, and so is nothing at all.", completion: .file())
  var files: [String] = []

  @Option(help: ArgumentHelp("Make all pictures this large.", valueName: "wxh"))
  var size: PixelSize?

  @Flag(help: "Cut the edges of pictures of another shape, rather than stretch them to --size.")
  var crop = false

  @Flag(help: "Make all pictures grey, or RGB.")
  var colours: PictureOptions.Colours?

  @Option(help: ArgumentHelp("What shows through transparent pixels, 0 to 255.", valueName: "n"))
  var background: UInt8 = 0

  @Flag(help: "Write rows (H, W, C), a pixel's channels together.")
  var channelsLast = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if crop && size == nil { throw ValidationError("--crop goes with --size") }
    if let size, !PNGReader.allows(size) {
      throw ValidationError("--size is at most 65536 a side, and 67108864 pixels in all")
    }
    try streams.requireOneInput(files)
  }

  func run() throws {
    var options = PictureOptions()
    options.size = size
    options.crop = crop
    options.colours = colours
    options.background = background
    options.channelsLast = channelsLast
    let operands: [String?] = files.isEmpty ? [nil] : files
    try writePictures(count: operands.count, options: options, to: try streams.output()) {
      try streams.input(operands[$0])
    }
  }
}

extension PictureOptions.Colours: EnumerableFlag {}
