/// What is known of each point: its kind, or a value.
public enum PointLabels {
  /// The kinds there are, in order, and for each point the index of its own.
  case kinds([Int], of: [Int])
  case values([Float])

  /// More whole numbers than this are values, not kinds.
  public static let mostKinds = 20

  /// Reads one label for each of `count` points. Few different whole numbers are kinds.
  ///
  /// - Throws: `AnalysisError` for labels of another number or shape, `StreamError`.
  public init(_ reader: TensorReader, count: Int) throws {
    guard reader.rowSize == 1 else {
      throw AnalysisError.labelShape(name: reader.name, rowShape: reader.rowShape)
    }
    var values: [Float] = []
    let batch = RowBatch()
    while try batch.fill(from: reader, maxRows: 1 << 16, scaleBytes: false) {
      values += batch.values
    }
    guard values.count == count else {
      throw AnalysisError.labelCount(name: reader.name, expected: count, got: values.count)
    }
    self.init(values)
  }

  /// Few different whole numbers are kinds.
  package init(_ values: [Float]) {
    var met = Set<Float>()
    for value in values where met.count <= Self.mostKinds {
      met.insert(value)
    }
    let kinds = met.sorted()
    guard kinds.count <= Self.mostKinds,
      kinds.allSatisfy({ $0 == $0.rounded() && $0.magnitude < 0x1p31 })
    else {
      self = .values(values)
      return
    }
    let order = Dictionary(uniqueKeysWithValues: kinds.enumerated().map { ($1, $0) })
    self = .kinds(kinds.map { Int($0) }, of: values.map { order[$0] ?? 0 })
  }
}
