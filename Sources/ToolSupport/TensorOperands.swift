import ArgumentParser
package import VAECore

extension StreamOptions {
  /// Opens the stream an operand names; none, or `-`, is standard input.
  package func tensor(_ operand: String?) throws -> TensorInput {
    if let operand, operand != "-" { return try TensorInput(path: operand) }
    return try TensorInput(try input(operand))
  }

  /// The streams that operands name, of which one may be `-`; standard input when there are none.
  package func tensors(_ operands: [String]) throws -> [TensorInput] {
    try requireOneInput(operands)
    return try operands.isEmpty ? [tensor(nil)] : operands.map { try tensor($0) }
  }

  /// - Throws: a usage error when standard input is to be read twice.
  package func requireOneInput(_ operands: [String]) throws {
    guard operands.count(where: { $0 == "-" }) < 2 else {
      throw ValidationError("standard input, -, can be read once only")
    }
  }
}
