import VAECore

/// Rows that are shown, of a stream that may have more: evenly spaced, the first among them.
struct ChosenRows {
  let name: String
  let total: Int
  let indices: [Int]
  let rowSize: Int
  /// [count × rowSize]; nil for rows that are not bytes.
  let bytes: [UInt8]?
  /// [count × rowSize], of bytes value/255.
  let values: [Float]

  var count: Int { indices.count }

  /// - Throws: `PageError.noRows`; `StreamError` for rows that are not of `rowSize` values.
  init(_ rows: RowStore, most: Int, rowSize: Int) throws {
    guard rows.rowSize == rowSize else {
      throw StreamError.wrongRowSize(
        name: rows.name, row: 0, expected: rowSize, got: rows.rowSize)
    }
    guard rows.rows > 0 else { throw PageError.noRows(name: rows.name) }
    let count = min(most, rows.rows)
    let indices = (0..<count).map { $0 * rows.rows / count }
    func gather<Value>(_ values: UnsafePointer<Value>) -> [Value] {
      indices.flatMap { UnsafeBufferPointer(start: values + $0 * rowSize, count: rowSize) }
    }
    name = rows.name
    total = rows.rows
    self.rowSize = rowSize
    self.indices = indices
    bytes = rows.bytes.map(gather)
    values = bytes.map { $0.map { Float($0) / 255 } } ?? rows.floats.map(gather) ?? []
  }

  /// As a transform wants them.
  ///
  /// - Throws: where it does not.
  func prepared(for transform: any RowTransform) throws -> [Float] {
    var values = values
    try values.withUnsafeMutableBufferPointer { values in
      for (place, row) in indices.enumerated() {
        try transform.prepare(
          UnsafeMutableBufferPointer(rebasing: values[(place * rowSize)..<((place + 1) * rowSize)]),
          firstRow: row, of: name, areBytes: bytes != nil)
      }
    }
    return values
  }

  /// Each value as one of 256 levels from the least to the greatest, which is enough to look at.
  func levels() -> (bytes: [UInt8], range: [Float]) {
    if let bytes { return (bytes, [0, 1]) }
    let (low, high) = (values.min() ?? 0, values.max() ?? 1)
    let scale = high > low ? 255 / (high - low) : 0
    return (values.map { UInt8((($0 - low) * scale).rounded()) }, [low, high])
  }
}
