import ArgumentParser
public import VAECore

extension StreamOptions {
  /// Reads a model operand; `-` is standard input, unless the rows come from there.
  public func model(_ operand: String, besides rows: String?) throws -> any LatentModel {
    guard operand == "-" else { return try ModelFile.read(try ByteSource(path: operand)) }
    guard let rows, rows != "-" else {
      throw ValidationError("the model and the rows cannot both come from standard input")
    }
    return try ModelFile.read(try ByteSource(standardInput: ()))
  }

  /// All rows of a file, mapped where it allows that, or of standard input.
  public func rows(_ operand: String?) throws -> RowStore {
    if let operand, operand != "-" { return try RowStore(mapping: operand) }
    return try RowStore(try TensorReader(try input(operand)))
  }
}
