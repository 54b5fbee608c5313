import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorCmp: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-cmp", "Compare two tensor streams within a tolerance.",
    discussion: """
      a and b agree when |a - b| <= atol + rtol * |b|, as NumPy's allclose has it. Ends with 0 when \
      all values do; otherwise says where they are farthest apart and ends with 1.
      """,
    examples: [
      "vae-encode m.vae < x.npy | tensor-cmp - torch.npy --atol 1e-4",
      "tensor-cmp --rtol 0 --atol 0 a.npy b.npy && echo identical",
    ])

  @Argument(help: "A stream; - is standard input.", completion: .file())
  var a: String

  @Argument(help: "Another.", completion: .file())
  var b: String

  @Option(help: ArgumentHelp("The distance allowed.", valueName: "distance"))
  var atol = Tolerance().absolute

  @Option(help: ArgumentHelp("The distance allowed, as a share of |b|.", valueName: "share"))
  var rtol = Tolerance().relative

  @Flag(name: .customLong("equal-nan"), help: "NaN equals NaN.")
  var equalNaN = false

  @Flag(help: "Take bytes as value/255.")
  var unit = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard atol >= 0, rtol >= 0 else {
      throw ValidationError("--atol and --rtol must be at least 0")
    }
    try streams.requireOneInput([a, b])
  }

  func run() throws {
    var tolerance = Tolerance()
    tolerance.absolute = atol
    tolerance.relative = rtol
    tolerance.equalNaN = equalNaN
    let comparison = try StreamComparison(
      try TensorReader(try streams.input(a)), try TensorReader(try streams.input(b)),
      within: tolerance, scaleBytes: unit)
    if comparison.isClose { return }
    if !streams.quiet { try streams.print(comparison.text) }
    throw ExitCode(1)
  }
}
