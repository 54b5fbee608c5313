import ArgumentParser
import ToolSupport
import VAECore

@main
struct Lerp: Tool {
  static let configuration = CommandConfiguration.tool(
    "lerp", "Write the path through the rows of a tensor stream, in steps from each to the next.",
    discussion: """
      Each row is written once, as it is, with what lies between: N rows make (N - 1) * STEPS + 1. \
      Images of bytes stand for value/255.
      """,
    examples: [
      "vae-encode m.vae < two.npy | lerp --steps 9 | vae-decode m.vae | png-grid --columns 10 > out.png",
      "randn 5 20 | lerp --spherical | vae-decode m.vae | png-grid > walk.png",
    ])

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var file: String?

  @Option(help: ArgumentHelp("Steps from a row to the next.", valueName: "n"))
  var steps = 10

  @Flag(help: "Go along the arc around the origin, at even angles, not along the line.")
  var spherical = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard steps > 0 else { throw ValidationError("--steps must be at least 1") }
  }

  func run() throws {
    let reader = try TensorReader(try streams.input(file))
    try writePath(
      through: reader, steps: steps, kind: spherical ? .spherical : .straight,
      to: try streams.output())
  }
}
