public import VAECore

/// Why there is no page.
public enum PageError: Failure, Equatable {
  /// Names for other than each value of a row.
  case columnCount(expected: Int, got: Int)
  /// Rows without one.
  case noRows(name: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .columnCount(let expected, let got):
      "the names: expected \(expected), one for each value of a row, got \(got)"
    case .noRows(let name):
      "\(name): no rows, expected at least one"
    }
  }
}
