/// Rows to a tensor stream, each array byte for byte as `np.save` writes it.
public final class TensorWriter {
  public let rowShape: [Int]
  public let rowSize: Int
  /// Rows written so far.
  public private(set) var rowsWritten = 0

  private let sink: ByteSink
  private let type: ElementType
  private let promised: Int?
  private let continues: Bool

  /// - `type`: `.f4`, or `.u1` for images and labels.
  /// - `rows`: when it is known, ONE header is written now and the rows follow it, so that a cut
  ///   stream is noticed; when nil, each `write` makes an array of its own.
  /// - `continues`: rows beyond `rows` are no bug but further arrays, as a tool that maps rows to
  ///   rows needs when its input goes on after the first array.
  ///
  /// Throws when the shape has an impossible size, or the header cannot be written.
  public init(
    _ sink: ByteSink, type: ElementType, rowShape: [Int], rows: Int?, continues: Bool = false
  ) throws {
    precondition(type == .f4 || type == .u1, "streams are written as f4 or u1")
    self.sink = sink
    self.type = type
    self.rowShape = rowShape
    self.continues = continues
    promised = rows
    rowSize = try Shape.checked(rowShape, of: type, name: sink.name).count
    if let rows { try writeHeader(rows: rows) }
  }

  /// Writes whole rows of an `.f4` stream, which were computed.
  ///
  /// - Throws: `StreamError.overflow` where one of them is no finite number.
  public func write(_ rows: UnsafeBufferPointer<Float>) throws {
    precondition(type == .f4, "a u1 stream takes bytes")
    if let base = rows.baseAddress,
      let bad = ElementConversion.firstNonFinite(base, count: rows.count)
    {
      throw StreamError.overflow(
        name: sink.name, row: rowsWritten + bad / rowSize, element: bad % rowSize,
        value: rows[bad].isNaN ? "nan" : "\(rows[bad])")
    }
    try write(elements: rows.count, UnsafeRawBufferPointer(rows))
  }

  /// Writes whole rows of a `.u1` stream.
  public func write(_ rows: UnsafeBufferPointer<UInt8>) throws {
    precondition(type == .u1, "an f4 stream takes floats")
    try write(elements: rows.count, UnsafeRawBufferPointer(rows))
  }

  /// Writes whole rows of either as they are, infinities and all; their bytes
  /// are aligned as their type needs.
  package func write(raw rows: UnsafeRawBufferPointer) throws {
    precondition(rows.count % type.size == 0, "expected whole elements")
    try write(elements: rows.count / type.size, rows)
  }

  /// Writes what is buffered; throws when the promised rows did not come.
  ///
  /// A stream that got no row at all is one array of zero rows.
  public func finish() throws {
    if let promised, rowsWritten < promised {
      throw StreamError.rowsMissing(name: sink.name, expected: promised, got: rowsWritten)
    }
    if promised == nil, rowsWritten == 0 { try writeHeader(rows: 0) }
    try sink.finish()
  }

  private func write(elements: Int, _ bytes: UnsafeRawBufferPointer) throws {
    precondition(rowSize > 0 && elements % rowSize == 0, "expected whole rows of \(rowSize)")
    let rows = elements / rowSize
    if rows == 0 { return }
    let room = promised.map { $0 - rowsWritten } ?? 0
    let first = min(max(room, 0), rows)
    guard first == rows || promised == nil || continues else {
      throw StreamError.rowsMissing(
        name: sink.name, expected: promised ?? 0, got: rowsWritten + rows)
    }
    let split = first * rowSize * type.size
    try sink.write(UnsafeRawBufferPointer(rebasing: bytes[..<split]))
    if first < rows {
      try writeHeader(rows: rows - first)
      try sink.write(UnsafeRawBufferPointer(rebasing: bytes[split...]))
    }
    rowsWritten += rows
  }

  private func writeHeader(rows: Int) throws {
    let shape = try Shape.checked([rows] + rowShape, of: type, name: sink.name)
    try sink.write(NPYHeader(type: type, shape: shape).encoded())
  }
}
