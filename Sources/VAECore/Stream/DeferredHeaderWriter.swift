/// Writes a tensor stream whose number of rows may not be known when they begin to come.
///
/// Where it is known, one header is written at once. Otherwise rows are held until the end, when
/// they make one array, or until `mostHeld` bytes of them wait. Then the rows that are promised go
/// into one array and what comes after them into others; with nothing promised, every `mostHeld`
/// bytes make an array.
package final class DeferredHeaderWriter {
  private let sink: ByteSink
  private let type: ElementType
  private let rowShape: [Int]
  private let rowBytes: Int
  private let promised: Int
  private let mostHeld: Int
  private let held = GrowableBuffer<UInt8>()
  /// Where rows go to when they are not held.
  private var writer: TensorWriter?
  private var wroteArrays = false
  private var rowsWritten = 0

  /// - `type`: `.f4` or `.u1`.
  /// - `mostHeld`: the bytes that may wait for the end; `Int.max` for one array in any case.
  ///
  /// Throws when the shape has an impossible size, or the header cannot be written.
  package init(
    _ sink: ByteSink, type: ElementType, rowShape: [Int], rows: RowCount, mostHeld: Int = 1 << 24
  ) throws {
    self.sink = sink
    self.type = type
    self.rowShape = rowShape
    self.mostHeld = mostHeld
    promised = rows.minimum
    rowBytes = try Shape.checked(rowShape, of: type, name: sink.name).byteCount(of: type)
    if let count = rows.exact {
      writer = try TensorWriter(sink, type: type, rowShape: rowShape, rows: count)
    }
  }

  /// Writes whole rows.
  package func write(raw rows: UnsafeRawBufferPointer) throws {
    rowsWritten += rows.count / rowBytes
    if let writer { return try writer.write(raw: rows) }
    if rows.count > mostHeld - held.count, held.count > 0 {
      if promised > held.count / rowBytes {
        let writer = try TensorWriter(
          sink, type: type, rowShape: rowShape, rows: promised, continues: true)
        self.writer = writer
        try writer.write(raw: waiting)
        return try writer.write(raw: rows)
      }
      try writeArray()
    }
    guard held.reserve(held.count + rows.count) else {
      throw StreamError.outOfMemory(name: sink.name)
    }
    if let base = held.base, !rows.isEmpty {
      UnsafeMutableRawBufferPointer(start: base + held.count, count: rows.count)
        .copyMemory(from: rows)
    }
    held.count += rows.count
  }

  /// Writes whole rows that were computed.
  ///
  /// - Throws: `StreamError.overflow` where one of them is no finite number.
  package func write(_ rows: UnsafeBufferPointer<Float>) throws {
    precondition(type == .f4, "a u1 stream takes bytes")
    if let base = rows.baseAddress,
      let bad = ElementConversion.firstNonFinite(base, count: rows.count)
    {
      throw StreamError.overflow(
        name: sink.name, row: rowsWritten + bad * 4 / rowBytes, element: bad % (rowBytes / 4),
        value: rows[bad].isNaN ? "nan" : "\(rows[bad])")
    }
    try write(raw: UnsafeRawBufferPointer(rows))
  }

  /// Writes what waits. Throws when rows that were promised did not come.
  package func finish() throws {
    if let writer { return try writer.finish() }
    if held.count > 0 || !wroteArrays { try writeArray() }
    try sink.finish()
  }

  private var waiting: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: held.base, count: held.count)
  }

  private func writeArray() throws {
    let array = try TensorWriter(
      sink, type: type, rowShape: rowShape, rows: held.count / rowBytes)
    try array.write(raw: waiting)
    held.count = 0
    wroteArrays = true
  }
}
