/// The labels that go with the rows of a stream, for a conditional model: for the rows at hand their
/// positions among its classes.
public final class RowLabels {
  private enum Source {
    case reader(LabelReader)
    case one(UInt32)
    /// Whoever has the rows sets the labels.
    case given
  }

  private let source: Source
  private let positions: [Int: UInt32]
  /// Of the rows at hand, the first of which is row `first` of the stream.
  private var batch: [UInt32] = []
  private var first = 0
  private var taken = 0

  private init(_ source: Source, classes: [Int]) {
    self.source = source
    positions = Self.positions(classes)
  }

  private static func positions(_ classes: [Int]) -> [Int: UInt32] {
    Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, UInt32($0)) })
  }

  /// The labels that a stream holds.
  ///
  /// - Throws: `ModelError.takesNoLabels`.
  public convenience init(_ reader: LabelReader, for model: any LatentModel) throws {
    guard let label = model.roles.label else { throw ModelError.takesNoLabels }
    self.init(.reader(reader), classes: label.classes)
  }

  /// The same label for every row.
  ///
  /// - Parameter name: what messages call where it comes from.
  /// - Throws: `ModelError.takesNoLabels`, `.unknownLabel`.
  public convenience init(all label: Int, from name: String, for model: any LatentModel) throws {
    guard let classes = model.roles.label?.classes else { throw ModelError.takesNoLabels }
    guard let position = Self.positions(classes)[label] else {
      throw ModelError.unknownLabel(source: name, row: 0, label: label)
    }
    self.init(.one(position), classes: classes)
  }

  /// Labels that `set` gives.
  package convenience init() { self.init(.given, classes: []) }

  /// Gives the labels of rows, the first of which is row `first` of the stream.
  package func set(_ positions: some Collection<UInt32>, firstRow first: Int = 0) {
    batch = Array(positions)
    self.first = first
  }

  /// The label of a row at hand.
  subscript(row: Int) -> UInt32 { batch[row - first] }

  /// Goes on to the next `count` rows of `rows`.
  ///
  /// - Throws: as `LabelReader`; `ModelError.unknownLabel`, `.unlabelled`, `.labelsEnd`.
  func take(_ count: Int, firstRow: Int, of rows: String) throws {
    switch source {
    case .given: break
    case .one(let position): set(repeatElement(position, count: count), firstRow: firstRow)
    case .reader(let reader):
      set([], firstRow: firstRow)
      while batch.count < count {
        let some = try reader.next(count - batch.count)
        guard !some.isEmpty else {
          throw ModelError.labelsEnd(
            source: reader.name, labels: taken + batch.count, rows: rows)
        }
        for label in some {
          let row = taken + batch.count
          guard let label else { throw ModelError.unlabelled(source: reader.name, row: row) }
          guard let position = positions[label] else {
            throw ModelError.unknownLabel(source: reader.name, row: row, label: label)
          }
          batch.append(position)
        }
      }
      taken += count
    }
  }

  /// Refuses labels that are left after the last row.
  ///
  /// - Throws: `ProbeError.labelCount`.
  func end(of rows: String) throws {
    guard case .reader(let reader) = source else { return }
    let surplus = try reader.countRest()
    guard surplus == 0 else {
      throw ProbeError.labelCount(
        source: reader.name, expected: taken, rows: rows, got: taken + surplus)
    }
  }
}

/// The column of labels of a network at work.
struct LabelColumn {
  private let edge: EdgeMemory
  private let labels: RowLabels

  /// - Returns: nil for a network that reads no labels.
  /// - Throws: `ModelError.needsLabels`, `.takesNoLabels`.
  init?(_ network: PlacedNetwork, _ model: any LatentModel, _ labels: RowLabels?) throws {
    guard let label = try model.label(with: labels), let labels, network.has(label) else {
      return nil
    }
    (edge, self.labels) = (network[label], labels)
  }

  /// Sets the labels of a block's live rows, of which `each` in turn belong to one row of the stream,
  /// from `firstRow` on.
  func load(_ block: RowBlock, firstRow: Int, each: Int = 1) {
    let rows = edge.floats(block)
    for row in 0..<block.live {
      setClass(labels[firstRow + row / each], of: edge.width, in: rows + row * edge.width)
    }
    edge.publish(block)
  }
}

extension LatentModel {
  /// Whether it is given the label of each row.
  public var isConditional: Bool { roles.label != nil }

  /// The column of labels.
  ///
  /// - Throws: `ModelError.needsLabels`, `.takesNoLabels`.
  func label(with labels: RowLabels?) throws -> Edge? {
    switch (roles.label, labels) {
    case (nil, nil): return nil
    case (nil, _): throw ModelError.takesNoLabels
    case (_, nil): throw ModelError.needsLabels
    case (let label?, _): return label.edge
    }
  }
}
