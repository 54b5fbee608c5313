import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorCat: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-cat", "Join tensor streams: rows after each other, or columns side by side.",
    discussion: """
      Streams of bytes make a stream of bytes, streams of other types one of f4. Where they mix, \
      say what bytes mean: --unit or --plain.
      """,
    examples: [
      "tensor-cat a.npy b.npy > both.npy",
      "tensor-cat --columns --plain z.npy labels.npy | tensor-csv > z.csv",
      "vae-decode m.vae < z.npy | tensor-cat --unit x.npy - | png-grid > both.png",
    ])

  @Argument(
    help: "The streams; - is standard input, and so is nothing at all.", completion: .file())
  var files: [String] = []

  @Flag(help: "Join row i of each into one row.")
  var columns = false

  @Flag(help: "Write f4, of bytes their value/255, as images mean it, or the plain number.")
  var bytes: ByteMeaning?

  @Flag(help: "Hold all rows where their number is not known, so that they make one array.")
  var whole = false

  @OptionGroup var streams: StreamOptions

  func validate() throws { try streams.requireOneInput(files) }

  func run() throws {
    let inputs = try streams.tensors(files)
    let join = columns ? joinColumns : joinRows
    try join(inputs, bytes, whole, try streams.output())
  }
}

extension ByteMeaning: EnumerableFlag {}
