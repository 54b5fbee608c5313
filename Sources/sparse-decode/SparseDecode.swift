import ArgumentParser
import ToolSupport
import VAECore

@main
struct SparseDecode: Tool {
  static let configuration = CommandConfiguration.tool(
    "sparse-decode", "Rows from sparse codes and their dictionary.",
    discussion: """
      Reads codes as sparse-code writes them, dense or csr, and writes for each the sum of the \
      atoms that it weighs.
      """,
    examples: [
      "sparse-code -d d.dict < z.npy | sparse-decode d.dict | vae-decode m.vae | png-grid > x.png",
      "sparse-decode d.dict codes.npy > rows.npy",
    ])

  @Argument(help: "The dictionary, as sparse-code writes it.", completion: .file())
  var dictionary: String

  @Argument(help: "The codes; standard input when there is none.", completion: .file())
  var input: String?

  @Option(help: "How the codes are written: dense or csr. (default: told by their shape)")
  var format: CodeFormat?

  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func run() throws {
    let dictionary = try streams.dictionary(self.dictionary, besides: input)
    let reader = try TensorReader(try streams.input(input))
    let sink = try streams.output()
    let decoder = try SparseDecoder(dictionary, pool: try workers.pool())
    try decoder.stream(reader, to: sink, format: format)
    try sink.finish()
  }
}
