import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorRaw: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-raw", "Make a tensor stream of numbers without a header, or the other way round.",
    discussion: """
      TYPE is a NumPy type code: u1 i1 b1 i2 i4 i8 u2 u4 u8 f2 f4 f8, with the low byte first, or \
      with > before it the high byte. SHAPE is the shape of one row; none is one number.
      """,
    examples: [
      "tensor-raw u1 28 28 < images.bin | png-grid > images.png",
      "tensor-raw f8 20 < z.bin > z.npy",
      "tensor-raw --write '>f4' < z.npy > z.bin",
    ])

  @Argument(help: "What the numbers without a header are.")
  var type: RawType

  @Argument(help: "The shape of a row.")
  var shape: [Int] = []

  @Flag(help: "Read a stream and write the numbers.")
  var write = false

  @Option(help: ArgumentHelp("There must be this many rows.", valueName: "n"))
  var rows: Int?

  @Option(
    help: ArgumentHelp("Read this; standard input when not given.", valueName: "file"),
    completion: .file())
  var input: String?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard shape.allSatisfy({ $0 > 0 }), (try? Shape(shape)) != nil else {
      throw ValidationError("a shape has sides of 1 or more, and can be addressed")
    }
    if let rows, rows < 0 || write { throw ValidationError("--rows is 0 or more, without --write") }
  }

  func run() throws {
    let source = try streams.input(input)
    let sink = try streams.output()
    guard write else {
      return try readRaw(source, type: type, rowShape: shape, rows: rows, to: sink)
    }
    let reader = try TensorReader(source)
    if let size = try? Shape(shape).count, !shape.isEmpty { try reader.require(rowSize: size) }
    try writeRaw(reader, as: type, to: sink)
  }
}

extension RawType: ExpressibleByArgument {
  public init?(argument: String) { self.init(argument) }
}
