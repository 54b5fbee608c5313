import CKernels

/// The rows of a data set as named columns: the values `x`, and what is known of each row besides.
public struct Columns {
  /// The values of each row.
  public let x: RowStore
  /// For each row the position of its label among the classes of a model; nil where none are known.
  public let labels: [UInt32]?

  /// - Parameter labels: one for each row.
  public init(_ x: RowStore, labels: [UInt32]? = nil) {
    precondition(labels.map { $0.count == x.rows } ?? true, "a label for each row")
    self.x = x
    self.labels = labels
  }

  public var rows: Int { x.rows }
  public var name: String { x.name }
}

/// Some rows of a store, in the order they are to be learned from.
public struct Batch {
  /// Positions of the rows in the store. They must stay where they are while the batch is worked
  /// on.
  public var indices: UnsafeBufferPointer<UInt32>
  /// The step that noise is drawn for.
  public var step: UInt32

  public init(indices: UnsafeBufferPointer<UInt32>, step: UInt32) {
    self.indices = indices
    self.step = step
  }
}

/// The columns of the batch at hand.
public final class BatchColumns {
  private let columns: Columns
  var batch = Batch(indices: UnsafeBufferPointer(start: nil, count: 0), step: 0)

  init(_ columns: Columns) { self.columns = columns }

  /// Rows of the batch.
  var rows: Int { batch.indices.count }

  /// Gathers the values of a block as floats, [live, width].
  func gather(_ block: RowBlock, into x: UnsafeMutablePointer<Float>) {
    guard let indices = batch.indices.baseAddress else { return }
    let width = columns.x.rowSize
    if let bytes = columns.x.bytes {
      vt_gather_u8(x, bytes, indices + block.row, block.live, width)
    } else if let floats = columns.x.floats {
      vt_gather_f32(x, floats, indices + block.row, block.live, width)
    }
  }

  /// The labels of a block's live rows, each as a row of `classes` numbers: 1 at its class, else 0.
  func gatherLabels(
    _ block: RowBlock, classes: Int, into rows: UnsafeMutablePointer<Float>
  ) {
    withLabels(block) { labels in
      for row in 0..<block.live { setClass(labels[row], of: classes, in: rows + row * classes) }
    }
  }

  /// The labels of a block's live rows. They are valid during the call.
  public func withLabels(_ block: RowBlock, _ body: (UnsafePointer<UInt32>) -> Void) {
    guard let labels = columns.labels else { preconditionFailure("the rows have no labels") }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: block.live) { own in
      guard let base = own.baseAddress else { return }
      for row in 0..<block.live { base[row] = labels[Int(batch.indices[block.row + row])] }
      body(base)
    }
  }
}

/// Makes a row of `classes` numbers that of one class: 1 there, else 0.
func setClass(_ position: UInt32, of classes: Int, in row: UnsafeMutablePointer<Float>) {
  row.update(repeating: 0, count: classes)
  row[Int(position)] = 1
}
