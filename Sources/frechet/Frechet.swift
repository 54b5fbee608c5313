import ArgumentParser
import ToolSupport
import VAECore

@main
struct Frechet: Tool {
  static let configuration = CommandConfiguration.tool(
    "frechet", "Print the Fréchet distance between the rows of two tensor streams.",
    discussion: """
      The distance between the normal distributions that have the rows' means and covariances: \
      |m - n|² + trace(A + B - 2 (A B)^½). 0 where they are the same; bytes count as value/255.
      """,
    examples: [
      "randn 10000 20 | vae-decode m.vae | frechet test.npy -",
      "vae-encode m.vae a.npy > a-z.npy; vae-encode m.vae b.npy | frechet a-z.npy -",
    ])

  @Argument(help: "A stream; - is standard input.", completion: .file())
  var a: String

  @Argument(help: "Another.", completion: .file())
  var b: String

  @Option(help: "Worker threads; one for each processor when not given.")
  var threads: Int?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard threads.map({ 1...1024 ~= $0 }) ?? true else {
      throw ValidationError("--threads must be from 1 to 1024")
    }
    try streams.requireOneInput([a, b])
  }

  func run() throws {
    let pool = try WorkerPool(threads: threads)
    let distance = try frechetDistance(
      try TensorReader(try streams.input(a)), try TensorReader(try streams.input(b)), pool: pool)
    try streams.print("\(distance)")
  }
}
