/// How a model is trained. The defaults are those of PyTorch's VAE example.
public struct TrainingOptions: Sendable, Equatable {
  public var epochs = 10
  /// Rows a step.
  public var batch = 128
  /// Adam's learning rate.
  public var learningRate = 1e-3
  public var seed: UInt64 = 0
  public var precision = Precision.f32

  public init() {}
}

/// Which rows are learned from and which are held out.
public struct TrainingRows {
  public let rows: RowStore
  public let training: [UInt32]
  public let validation: [UInt32]
  /// Rows of another store to validate on.
  public let validationRows: RowStore?

  /// All of `rows`, validated on all of `validationRows`, if there are any.
  public init(_ rows: RowStore, validationRows: RowStore? = nil) {
    self.rows = rows
    training = Array(0..<UInt32(rows.rows))
    validation = validationRows.map { Array(0..<UInt32($0.rows)) } ?? []
    self.validationRows = validationRows
  }

  /// Holds out a share of the rows, drawn by the seed; at least one stays on either side.
  ///
  /// - Throws: `TrainingError.tooFewRows` for fewer than two rows.
  public init(_ rows: RowStore, holdingOut fraction: Double, seed: UInt64) throws {
    guard rows.rows > 1 else { throw TrainingError.tooFewRows(rows.rows) }
    let order = permutation(of: rows.rows, noise: Noise(seed: seed, purpose: .split))
    let held = min(max(Int((Double(rows.rows) * fraction).rounded()), 1), rows.rows - 1)
    self.rows = rows
    validation = order[..<held].sorted()
    training = order[held...].sorted()
    validationRows = nil
  }
}

/// Why training stopped.
public enum TrainingError: Failure, Equatable {
  case noRows(source: String)
  case tooFewRows(Int)
  /// The loss or a gradient is not finite.
  case diverged(epoch: Int, step: Int, what: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .noRows(let source): "\(source): no rows to learn from"
    case .tooFewRows(let rows): "cannot hold rows out for validation: got \(rows) row"
    case .diverged(let epoch, let step, let what):
      "epoch \(epoch), step \(step): the \(what) is not finite; "
        + "try a smaller --lr, or look at the data"
    }
  }
}
