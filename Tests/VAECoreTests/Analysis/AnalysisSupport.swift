import VAECore

/// Rows for the tests of the analysis, and their goldens.
enum Analysis {
  /// A store of f4 rows.
  static func store(_ values: [Float], width: Int) throws -> RowStore {
    let rows = values.count / width
    return try RowStore(
      try Streams.reader(Streams.rows(values, shape: "(\(rows), \(width))")))
  }

  /// A golden array, row by row.
  static func golden(_ name: String, file: String = #filePath) throws -> [[Float]] {
    let reader = try Streams.reader(try Streams.golden(name + ".npy", file: file))
    let batch = RowBatch()
    guard try batch.fill(from: reader, maxRows: .max) else { return [] }
    return (0..<batch.rows).map { row in
      Array(batch.values[(row * reader.rowSize)..<((row + 1) * reader.rowSize)])
    }
  }

  static func goldenStore() throws -> RowStore {
    try store(golden("analysis-rows").flatMap(\.self), width: 7)
  }

  /// `rows` rows of standard normals.
  static func normals(_ rows: Int, _ width: Int, seed: UInt64 = 1) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * width) { buffer, count in
      count = rows * width
      guard let base = buffer.baseAddress else { return }
      Noise(seed: seed, purpose: .sample)
        .normals(into: base, rows: rows, columns: width, stride: width)
    }
  }

  /// Three clouds of rows far from each other: row r belongs to cloud r % 3.
  static func clouds(_ rows: Int, _ width: Int, distance: Float = 20) -> [Float] {
    normals(rows, width).enumerated().map { index, value in
      value + (index % width == index / width % 3 ? distance : 0)
    }
  }

  /// All values that a stream of f4 holds.
  static func values(_ bytes: [UInt8]) throws -> [Float] {
    try Streams.floats(bytes, rows: 1000)
  }

  /// The greatest difference between two arrays, relative to the greatest of their values.
  static func difference(_ a: [some BinaryFloatingPoint], _ b: [some BinaryFloatingPoint]) -> Double
  {
    guard a.count == b.count else { return .infinity }
    let scale = b.reduce(0.0) { max($0, Double($1).magnitude) }
    let worst = zip(a, b).reduce(0.0) { max($0, (Double($1.0) - Double($1.1)).magnitude) }
    return worst / max(scale, .leastNormalMagnitude)
  }
}
