/// Reads names, one a line, as `find` and `ls` write those of files.
/// - Parameter thing: what a line holds, for messages.
/// - Throws: `NamesError`, and what the source throws.
package func readNames(
  _ source: ByteSource, of thing: String = "the name of a file"
) throws -> [String] {
  let bytes = try source.readGrowing(limit: NamesError.longest)
  guard bytes.count < NamesError.longest else {
    throw NamesError.tooLong(name: source.name, thing: thing)
  }
  var lines = UnsafeBufferPointer(start: bytes.base, count: bytes.count)
    .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  if lines.last?.isEmpty == true { lines.removeLast() }
  guard !lines.isEmpty else { throw NamesError.none(name: source.name, thing: thing) }
  return try lines.enumerated().map { number, line in
    guard !line.isEmpty, !line.contains(0), let text = String(validating: line, as: UTF8.self)
    else {
      throw NamesError.noName(
        name: source.name, line: number + 1, thing: thing, got: Array(line))
    }
    return text
  }
}

/// What can be wrong with a list of names.
package enum NamesError: Failure, Equatable {
  case none(name: String, thing: String)
  /// An empty line, or one that is not UTF-8.
  case noName(name: String, line: Int, thing: String, got: [UInt8])
  case tooLong(name: String, thing: String)

  /// Bytes that a list has less than.
  static let longest = 1 << 28

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .none(let name, let thing):
      "\(name): no lines, expected \(thing) on each"
    case .noName(let name, let line, let thing, let got):
      "\(name): line \(line): expected \(thing) in UTF-8, got \(String.quoting(got))"
    case .tooLong(let name, let thing):
      "\(name): expected \(thing), a line each, of less than 256 MiB together"
    }
  }
}
