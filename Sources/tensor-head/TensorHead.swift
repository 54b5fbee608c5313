import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorHead: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-head", "Write some rows of a tensor stream: the first, or a slice.",
    discussion: """
      A slice is that of Python and NumPy: A:B:S is row A, A+S, and so on, short of B; each may be \
      left out, negative numbers count from the end, and a negative S goes backwards. Bytes stay \
      bytes, and any other type becomes f4.
      """,
    examples: [
      "mnist-cat test | tensor-head -n 64 | png-grid > digits.png",
      "tensor-head -5: x.npy > last.npy",
      "tensor-head ::2 x.npy > even.npy",
    ])

  // A slice may begin with a minus sign, which only an unrecognized option may.
  @Argument(
    parsing: .allUnrecognized,
    help: ArgumentHelp(
      "The slice A:B:S, if any; then the stream, standard input when there is none.",
      valueName: "slice|file"),
    completion: .file())
  var operands: [String] = []

  @Option(
    name: [.customShort("n", allowingJoined: true), .customLong("rows")],
    help: ArgumentHelp(
      "Write the first n rows, 10 when there is no slice; -5 is -n 5.", valueName: "n"))
  var rows: Int?

  @OptionGroup var streams: StreamOptions

  /// The operands without the `--` that ends the options.
  private var words: [String] {
    let end = operands.firstIndex(of: "--") ?? operands.endIndex
    return Array(operands[..<end] + operands[end...].dropFirst())
  }
  /// As head(1) takes it.
  private var dashed: Int? {
    operands.first.flatMap { $0.hasPrefix("-") ? Int($0.dropFirst()) : nil }
  }
  private var count: Int? { rows ?? dashed }
  private var slice: RowSlice? { count == nil ? words.first.flatMap(RowSlice.init) : nil }
  private var files: ArraySlice<String> { words.dropFirst(slice == nil && dashed == nil ? 0 : 1) }

  func validate() throws {
    if let count, count < 0 { throw ValidationError("-n must be at least 0") }
    let options = operands.contains("--") ? [] : files.filter { $0.hasPrefix("-") && $0 != "-" }
    if let option = options.first { throw ValidationError("unknown option '\(option)'") }
    guard files.count < 2, rows == nil || dashed == nil,
      count == nil || words.allSatisfy({ RowSlice($0) == nil })
    else {
      throw ValidationError("expected a slice A:B:S or -n, and one file")
    }
  }

  func run() throws {
    let input = try streams.tensor(files.first)
    let sink = try streams.output()
    try writeSlice(slice ?? RowSlice(first: count ?? 10), of: input, to: sink)
  }
}
