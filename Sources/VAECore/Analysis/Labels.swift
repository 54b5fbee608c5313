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
  func sha256() -> String {
    var hash = SHA256()
    indices.map { Int64(classes[Int($0)]).littleEndian }
      .withUnsafeBytes { hash.update($0) }
    return hash.finish()
  }
}
