/// Reads names of files, one a line, as `find` and `ls` write them.
/// - Throws: `FileNamesError`, and what the source throws.
package func readFileNames(_ source: ByteSource) throws -> [String] {
  let bytes = try source.readGrowing(limit: FileNamesError.longest)
  guard bytes.count < FileNamesError.longest else {
    throw FileNamesError.tooLong(name: source.name)
  }
  var lines = UnsafeBufferPointer(start: bytes.base, count: bytes.count)
    .split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  if lines.last?.isEmpty == true { lines.removeLast() }
  guard !lines.isEmpty else { throw FileNamesError.none(name: source.name) }
  return try lines.enumerated().map { number, line in
    guard !line.isEmpty, !line.contains(0), let text = String(validating: line, as: UTF8.self)
    else { throw FileNamesError.noName(name: source.name, line: number + 1, got: Array(line)) }
    return text
  }
}

/// What can be wrong with a list of names of files.
package enum FileNamesError: Failure, Equatable {
  case none(name: String)
  /// An empty line, or one that is not UTF-8.
  case noName(name: String, line: Int, got: [UInt8])
  case tooLong(name: String)

  /// Bytes that a list has less than.
  static let longest = 1 << 28

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .none(let name):
      "\(name): no lines, expected the name of a file on each"
    case .noName(let name, let line, let got):
      "\(name): line \(line): expected the name of a file in UTF-8, got \(String.quoting(got))"
    case .tooLong(let name):
      "\(name): expected names of files, a line each, of less than 256 MiB together"
    }
  }
}
