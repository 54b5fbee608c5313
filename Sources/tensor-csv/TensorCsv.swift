import ArgumentParser
import ToolSupport
import VAECore

@main
struct TensorCsv: Tool {
  static let configuration = CommandConfiguration.tool(
    "tensor-csv", "Write a tensor stream as text, a line a row; or read such text.",
    discussion: """
      Numbers are written as the shortest decimals that give them back, so that reading the text \
      restores every value. The shape of a row is lost, unless it is given again.
      """,
    examples: [
      "vae-encode m.vae < x.npy | tensor-csv --header > z.csv",
      "tensor-csv --read z.csv --header > z.npy",
      "tensor-csv --read --type u1 --shape 28x28 digits.csv | png-grid > digits.png",
    ])

  @Argument(help: "What to convert; standard input when there is none.", completion: .file())
  var file: String?

  @Flag(help: "Read text and write a stream.")
  var read = false

  @Option(help: ArgumentHelp("What stands between fields, or 'tab'.", valueName: "character"))
  var delimiter = Delimiter.comma

  @Flag(help: "Begin with a line of names, x0 and so on; with --read, pass over it.")
  var header = false

  @Option(help: ArgumentHelp("With --read, the type, f4 or u1.", valueName: "type"))
  var type: TextType?

  @Option(help: ArgumentHelp("With --read, the shape of a row.", valueName: "hxw"))
  var shape: RowShape?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if !read && (type != nil || shape != nil) {
      throw ValidationError("--type and --shape go with --read")
    }
  }

  func run() throws {
    var format = CSVFormat()
    format.delimiter = delimiter.byte
    format.header = header
    let source = try streams.input(file)
    if read {
      try readCSV(
        source, format: format, type: type == .u1 ? .u1 : .f4, rowShape: shape?.dimensions,
        to: try streams.output())
    } else {
      try writeCSV(try TensorReader(source), format: format, to: try streams.text())
    }
  }
}

enum TextType: String, ExpressibleByArgument, CaseIterable {
  case f4, u1
}

struct Delimiter: ExpressibleByArgument {
  static let comma = Delimiter(byte: UInt8(ascii: ","))

  let byte: UInt8

  var defaultValueDescription: String { String(Unicode.Scalar(byte)) }

  private init(byte: UInt8) { self.byte = byte }

  init?(argument: String) {
    let text = ["tab", "\\t"].contains(argument) ? "\t" : argument
    guard text.utf8.count == 1, let byte = text.utf8.first, CSVFormat.allows(delimiter: byte)
    else { return nil }
    self.init(byte: byte)
  }
}
