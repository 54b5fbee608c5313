import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorInfo: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-info", "Say what tensor streams hold: shape, type, and the spread of the values.",
    discussion: """
      Range, mean and standard deviation are those of the finite values; NaNs and infinities are \
      counted. Bytes count as the numbers 0 to 255.
      """,
    examples: [
      "mnist-cat test | tensor-info",
      "vae-encode m.vae < x.npy | tensor-info --json",
    ])

  @Argument(help: "The streams; standard input when there are none.", completion: .file())
  var files: [String] = []

  @Flag(help: "Write JSON, a line for each stream.")
  var json = false

  @OptionGroup var streams: StreamOptions

  func validate() throws { try streams.requireOneInput(files) }

  func run() throws {
    let operands: [String?] = files.isEmpty ? [nil] : files
    for (index, file) in operands.enumerated() {
      let summary = try StreamSummary(reading: try TensorReader(try streams.input(file)))
      if json {
        try streams.print(try summary.json())
      } else {
        let title = files.count > 1 ? (index > 0 ? "\n" : "") + "\(summary.name):\n" : ""
        try streams.print(title + summary.text)
      }
    }
  }
}
