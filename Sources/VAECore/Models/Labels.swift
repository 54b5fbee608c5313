/// Whole numbers, one a row, read from a stream some at a time. Any element type will do whose
/// values are whole and below 2²⁴, so that f4 keeps them apart; −1 and NaN stand for no label.
public final class LabelReader {
  public let name: String
  private let reader: TensorReader
  private let batch = RowBatch()
  private var read = 0

  /// - Throws: `StreamError`; `ProbeError.notLabels` for rows of more than one value.
  public init(_ source: ByteSource) throws {
    reader = try TensorReader(source)
    name = reader.name
    guard reader.rowSize == 1 else {
      throw ProbeError.notLabels(source: name, rowSize: reader.rowSize)
    }
  }

  /// Hands over up to `count` labels, nil where a row has none; fewer only at the end of the stream.
  ///
  /// - Throws: `ProbeError` for a value that is no label, by its row.
  func next(_ count: Int) throws -> [Int?] {
    guard try batch.fill(from: reader, maxRows: count, scaleBytes: false, finite: false) else {
      return []
    }
    defer { read += batch.rows }
    return try batch.values.enumerated().map { row, value in
      if value == -1 || value.isNaN { return nil }
      guard let label = Int(exactly: value) else {
        throw ProbeError.notWhole(source: name, row: read + row, value: value)
      }
      guard ProbeConfiguration.isLabel(label) else {
        throw ProbeError.labelTooLarge(source: name, row: read + row, value: value)
      }
      return label
    }
  }

  /// Reads what is left and counts it.
  func countRest() throws -> Int {
    var count = 0
    while true {
      let some = try next(1 << 16)
      if some.isEmpty { return count }
      count += some.count
    }
  }
}

/// The labels of some rows and the classes they fall into.
public struct Labels: Sendable {
  /// What messages call them.
  public let name: String
  /// The labels that occur, ascending.
  public let classes: [Int]
  /// For each row that has a label the position of it in `classes`.
  public let indices: [UInt32]
  /// The rows that have a label, ascending; nil where all have.
  let labelled: [Int]?
  /// Rows that have none.
  let unlabelled: Int

  /// More classes than this are taken for a continuous target where there are fewer than
  /// `fewestRows` rows of each in the mean.
  private static let mostSparseClasses = 32
  private static let fewestRows = 3

  /// Reads all labels of a stream.
  ///
  /// - Throws: as `LabelReader`.
  public init(_ reader: LabelReader) throws {
    var values: [Int?] = []
    while true {
      let some = try reader.next(1 << 16)
      if some.isEmpty { break }
      values += some
    }
    self.init(values, name: reader.name)
  }

  package init(_ values: [Int?], name: String) {
    self.name = name
    let known = values.compactMap(\.self)
    classes = Set(known).sorted()
    let position = Dictionary(
      uniqueKeysWithValues: classes.enumerated().map { ($1, UInt32($0)) })
    indices = known.map { position[$0, default: 0] }
    unlabelled = values.count - known.count
    labelled = unlabelled == 0 ? nil : values.indices.filter { values[$0] != nil }
  }

  /// Refuses labels that are not those of `rows` rows, that leave nothing to tell apart, or that
  /// are hardly classes.
  func check(rows: Int, of source: String) throws {
    guard rows > 0 else { throw ProbeError.noRows(source: source) }
    guard indices.count + unlabelled == rows else {
      throw ProbeError.labelCount(
        source: name, expected: rows, rows: source, got: indices.count + unlabelled)
    }
    guard let first = classes.first else { throw ProbeError.allUnlabelled(source: name) }
    guard classes.count > 1 else { throw ProbeError.oneClass(source: name, label: first) }
    guard
      classes.count <= Self.mostSparseClasses || indices.count >= Self.fewestRows * classes.count
    else {
      throw ProbeError.continuous(source: name, classes: classes.count, rows: indices.count)
    }
  }

  /// Refuses more classes than a head of rows of `width` values has room for.
  func check(width: Int) throws {
    guard width <= ProbeConfiguration.mostWeights / classes.count else {
      throw ProbeError.tooManyClasses(source: name, classes: classes.count, width: width)
    }
  }

  /// SHA-256 of the labels that there are, as 64-bit little-endian integers, in hexadecimal.
  func sha256() -> String { Self.sha256(indices, classes: classes) }

  /// The same of labels by their positions among classes.
  static func sha256(_ indices: [UInt32], classes: [Int]) -> String {
    var hash = SHA256()
    indices.map { Int64(classes[Int($0)]).littleEndian }
      .withUnsafeBytes { hash.update($0) }
    return hash.finish()
  }
}

extension Labels {
  /// Rows with these labels, for a conditional model to learn from.
  ///
  /// - Throws: `ProbeError` for labels that are not those of the rows, or that leave nothing to tell
  ///   apart; `ModelError.unlabelled`.
  public func columns(of rows: RowStore) throws -> Columns {
    try check(rows: rows.rows, of: rows.name)
    try requireAll()
    return Columns(rows, labels: indices)
  }

  /// The same for a model that has learned of `known` classes.
  ///
  /// - Throws: `ProbeError.labelCount`, `ModelError.unlabelled`, `.unknownLabel`.
  public func columns(of rows: RowStore, among known: [Int]) throws -> Columns {
    try requireAll()
    guard indices.count == rows.rows else {
      throw ProbeError.labelCount(
        source: name, expected: rows.rows, rows: rows.name, got: indices.count)
    }
    let positions = Dictionary(
      uniqueKeysWithValues: known.enumerated().map { ($1, UInt32($0)) })
    return Columns(
      rows,
      labels: try indices.enumerated().map { row, index in
        let label = classes[Int(index)]
        guard let position = positions[label] else {
          throw ModelError.unknownLabel(source: name, row: row, label: label)
        }
        return position
      })
  }

  private func requireAll() throws {
    guard let labelled else { return }
    let first = labelled.enumerated().first { $0 != $1 }?.offset ?? labelled.count
    throw ModelError.unlabelled(source: name, row: first)
  }

}
