import ArgumentParser
import ToolSupport
import VAECore

@main
struct PngCat: Tool {
  static let configuration = CommandConfiguration.tool(
    "png-cat", "Write pictures, PNG or Netpbm, as a tensor stream of bytes.",
    discussion: """
      Grey pictures become rows (H, W), others (C, H, W) with 3 or 4 channels. All must have the \
      same size and channels, their own or those asked for.
      """,
    examples: [
      "png-cat --size 28x28 --grey *.png | vae-encode m.vae > z.npy",
      "png-cat photo.png --channels-last > photo.npy",
      "djpeg photo.jpg | png-cat --size 64x48 > photo.npy",
    ])

  @Argument(
    help: "The pictures; - is standard input, and so is nothing at all.", completion: .file())
  var files: [String] = []

  @Option(
    help: ArgumentHelp("Read the pictures named in this file, a line each.", valueName: "file"),
    completion: .file())
  var filesFrom: String?

  @Option(help: ArgumentHelp("Write the names of the rows' files, a line each.", valueName: "file"))
  var list: String?

  @Option(
    help: ArgumentHelp(
      "Make all pictures this large: 640x480 is 640 wide, 480 high, of shape 480x640.",
      valueName: "wxh"))
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
    if filesFrom != nil && !files.isEmpty {
      throw ValidationError("pictures are named by --files-from or as operands, not both")
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
    let output = try streams.output()
    let listed = try list.map { try AtomicFile(path: $0) }
    let named = try filesFrom.map { try readNames(try streams.input($0)) } ?? files
    try streams.requireOneInput(named + (filesFrom == "-" ? ["-"] : []))
    try writePictures(
      named.isEmpty ? ["-"] : named, options: options, to: output, list: listed?.sink,
      opening: { try streams.input(named.isEmpty ? nil : $0) })
    try listed?.commit()
  }
}

extension PictureOptions.Colours: EnumerableFlag {}
