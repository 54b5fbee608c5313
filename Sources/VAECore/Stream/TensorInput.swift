import SystemPackage

/// A tensor stream of which the shape, and where the file allows it the number of rows, is known
/// before the first row is read.
package final class TensorInput {
  package let name: String
  package let rowShape: [Int]
  /// Values in a row, at least one.
  package let rowSize: Int
  package let elementType: ElementType
  /// Exact for a plain file, whose headers are looked up; for a pipe or gzip at least what the first
  /// array declares.
  package let rows: RowCount

  private let path: String?
  private let source: ByteSource
  /// Where reading went no further than the first header.
  private var first: TensorReader?

  /// Opens a file and reads its headers.
  ///
  /// - Throws: `StreamError`, also for a plain file that is cut.
  package convenience init(path: String) throws {
    try self.init(try ByteSource(path: path), path: path)
  }

  /// Reads the headers of a stream, which stays open.
  package convenience init(_ source: ByteSource) throws {
    try self.init(source, path: nil)
  }

  private init(_ source: ByteSource, path: String?) throws {
    let start = source.seekablePosition
    let reader = try TensorReader(source)
    name = reader.name
    rowShape = reader.rowShape
    rowSize = reader.rowSize
    elementType = reader.elementType
    if let start, let file = source.descriptor, let rows = try reader.countRows() {
      self.rows = .exactly(rows)
      self.path = path
      if path == nil {
        try file.seek(offset: start, from: .start)
        self.source = try ByteSource(descriptor: file, name: source.name, closes: false)
      } else {
        // Opened again when it is read: there may be more operands than files can be open.
        self.source = ByteSource(bytes: [], name: name)
      }
    } else {
      rows = .atLeast(reader.declaredRows)
      self.path = nil
      self.source = source
      first = reader
    }
  }

  /// The rows, from the first on. Once only.
  package func reader() throws -> TensorReader {
    if let first {
      self.first = nil
      return first
    }
    return try TensorReader(path.map { try ByteSource(path: $0) } ?? source)
  }

  /// All rows, mapped where the file allows it. Once only.
  func store() throws -> RowStore {
    if let path { return try RowStore(mapping: path, finite: false) }
    return try RowStore(try reader(), finite: false)
  }
}

extension ByteSource {
  /// Where the next byte of a file stands that can be wound back; nil for a pipe. Of use before
  /// anything is read.
  fileprivate var seekablePosition: Int64? {
    guard let descriptor, FileStatus(descriptor)?.isRegular == true else { return nil }
    return try? descriptor.seek(offset: 0, from: .current)
  }
}
