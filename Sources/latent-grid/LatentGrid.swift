import ArgumentParser
import ToolSupport
import VAECore

@main
struct LatentGridTool: Tool {
  static let configuration = CommandConfiguration.tool(
    "latent-grid", "Write latents that show what each does: a traversal, or a plane.",
    discussion: """
      One latent after the other, or two together, goes through the quantiles of the normal \
      distribution, each of which stands for an equal share of random latents.
      """,
    examples: [
      "latent-grid 2 --plane 0,1 -n 20 | vae-decode m.vae | png-grid --columns 20 > plane.png",
      "latent-grid 10 -n 9 | vae-decode m.vae | png-grid --columns 9 > latents.png",
      "vae-encode m.vae x.npy | tensor-head -n 1 | latent-grid 10 --at - | vae-decode m.vae > y.npy",
    ])

  @Argument(help: "How many latents a row has.")
  var latents: Int

  @Option(
    name: [.customShort("n"), .customLong("steps")],
    help: ArgumentHelp("Values that a latent goes through.", valueName: "n"))
  var steps = 9

  @Option(help: ArgumentHelp("Vary these two latents together, counted from 0.", valueName: "i,j"))
  var plane: IntegerList?

  @Option(
    help: ArgumentHelp("Vary the rows of this stream, rather than zeros.", valueName: "file"),
    completion: .file())
  var at: String?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard 1...1 << 20 ~= latents, 1...1 << 20 ~= steps else {
      throw ValidationError("latents and -n are from 1 to 1048576")
    }
    if let plane = plane?.values {
      guard Set(plane).count == 2, plane.count == 2, plane.allSatisfy((0..<latents).contains) else {
        throw ValidationError("--plane takes two different latents, 0 to \(latents - 1)")
      }
    }
  }

  func run() throws {
    let output = try streams.output()
    let place = try at.map { try TensorReader(try streams.input($0)) }
    try writeLatentGrid(
      plane.map { .plane($0.values[0], $0.values[1]) } ?? .traversal, latents: latents,
      steps: steps, at: place, to: output)
  }
}
