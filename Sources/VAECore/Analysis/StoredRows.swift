import CKernels

extension RowStore {
  /// Writes the rows of a range as floats, u1 as value/255.
  func copy(_ range: Range<Int>, into output: UnsafeMutablePointer<Float>) {
    let start = range.lowerBound * rowSize
    let count = range.count * rowSize
    if let bytes {
      vt_f32_from_u8(output, bytes + start, count)
    } else if let floats {
      output.update(from: floats + start, count: count)
    }
  }
}

extension RowTransform {
  /// Transforms all rows of a store. The sink is the caller's to finish.
  ///
  /// - Throws: what writing throws.
  public func stream(_ rows: RowStore, to sink: ByteSink, rowShape: [Int]) throws {
    guard rows.rowSize == inputSize else {
      throw StreamError.wrongRowSize(
        name: rows.name, row: 0, expected: inputSize, got: rows.rowSize)
    }
    let writer = try TensorWriter(sink, type: .f4, rowShape: rowShape, rows: rows.rows)
    let output = try AlignedBuffer<Float>(count: capacity * outputSize)
    try forEachInput(of: rows) { input, range in
      apply(input, count: range.count, firstRow: range.lowerBound, into: output.base)
      try writer.write(
        UnsafeBufferPointer(start: output.base, count: range.count * outputSize))
    }
    try writer.finish()
  }

  /// Calls `body` with the values of up to `capacity` rows at a time.
  func forEachInput(
    of rows: RowStore, _ body: (UnsafePointer<Float>, Range<Int>) throws -> Void
  ) throws {
    let input = try AlignedBuffer<Float>(count: capacity * inputSize)
    for first in stride(from: 0, to: rows.rows, by: capacity) {
      let range = first..<min(first + capacity, rows.rows)
      rows.copy(range, into: input.base)
      try body(input.base, range)
    }
  }
}
