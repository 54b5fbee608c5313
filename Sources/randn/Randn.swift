import ArgumentParser
import ToolSupport
import VAECore

@main
struct Randn: Tool {
  static let configuration = CommandConfiguration.tool(
    "randn", "Write standard normal numbers as a tensor stream of f4.",
    discussion: "The numbers are fresh at each run, unless a seed is given.",
    examples: [
      "randn 64 20 | vae-decode m.vae | png-grid > out.png",
      "randn 1000 2 --seed 7 > z.npy",
    ])

  @Argument(help: "How many rows.")
  var rows: Int

  @Argument(help: ArgumentHelp("The shape of a row; none is one number.", valueName: "cols"))
  var columns: [Int] = []

  @Option(help: ArgumentHelp("Draw the numbers that belong to this seed.", valueName: "n"))
  var seed: UInt64?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard rows >= 0, columns.allSatisfy({ $0 > 0 }) else {
      throw ValidationError("a shape has 0 rows or more, and columns of 1 or more")
    }
  }

  func run() throws {
    let sink = try streams.output()
    let seed = seed ?? UInt64.random(in: .min ... .max)
    do {
      try writeNormals(rows: rows, rowShape: columns, seed: seed, to: sink)
    } catch StreamError.badShape(_, let reason) {
      throw ValidationError(reason.description)
    }
  }
}
