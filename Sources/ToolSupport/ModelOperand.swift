public import ArgumentParser
public import VAECore

extension StreamOptions {
  /// Reads a model operand; `-` is standard input, unless the rows come from there.
  public func model(_ operand: String, besides rows: String?) throws -> any LatentModel {
    try ModelFile.model(in: modelFile(operand, besides: rows))
  }

  /// The same, as the file it is.
  public func modelFile(_ operand: String, besides rows: String?) throws -> SafetensorsFile {
    guard operand == "-" else { return try SafetensorsFile(try ByteSource(path: operand)) }
    guard let rows, rows != "-" else {
      throw ValidationError("the model and the rows cannot both come from standard input")
    }
    return try SafetensorsFile(try ByteSource(standardInput: ()))
  }

  /// Writes text, which was asked for, to standard output.
  public func print(_ text: String) throws {
    let sink = try ByteSink(standardOutput: ())
    try sink.write(Array((text + "\n").utf8))
    try sink.finish()
  }

  /// All rows of a file, mapped where it allows that, or of standard input.
  public func rows(_ operand: String?, hashing: Bool = false) throws -> RowStore {
    if let operand, operand != "-" { return try RowStore(mapping: operand, hashing: hashing) }
    return try RowStore(try TensorReader(try input(operand)), hashing: hashing)
  }
}

extension ScoreTerm: ExpressibleByArgument {}
