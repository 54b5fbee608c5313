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

  @Argument(help: "The dictionary, as sparse-code writes it.")
  var dictionary: String

  @Argument(help: "The codes; standard input when there is none.")
  var input: String?

  @Option(help: "How the codes are written: dense or csr. (default: told by their shape)")
  var format: CodeFormat?

  @Option(help: "Worker threads; one for each processor when not given.")
  var threads: Int?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if let threads, !(1...1024 ~= threads) {
      throw ValidationError("--threads: expected 1 to 1024, got \(threads)")
    }
  }

  func run() throws {
    let dictionary = try streams.dictionary(self.dictionary, besides: input)
    let reader = try TensorReader(try streams.input(input))
    let sink = try streams.output()
    let decoder = try SparseDecoder(dictionary, pool: try WorkerPool(threads: threads))
    try decoder.stream(reader, to: sink, format: format)
    try sink.finish()
  }
}
