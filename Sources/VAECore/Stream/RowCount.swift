/// What is known of the number of rows that a stream will have.
package enum RowCount: Equatable, Sendable {
  case exactly(Int)
  case atLeast(Int)

  /// The number, where it is known.
  package var exact: Int? { if case .exactly(let rows) = self { rows } else { nil } }

  /// The number that there will be at least.
  package var minimum: Int {
    switch self {
    case .exactly(let rows), .atLeast(let rows): rows
    }
  }

  /// Whether it may turn out to be `rows`.
  package func allows(_ rows: Int) -> Bool {
    switch self {
    case .exactly(let count): count == rows
    case .atLeast(let count): count <= rows
    }
  }

  /// The rows of two streams after each other.
  package static func + (a: RowCount, b: RowCount) -> RowCount {
    let (sum, overflow) = a.minimum.addingReportingOverflow(b.minimum)
    // More rows than can be counted are refused where a shape is made of them.
    let rows = overflow ? .max : sum
    return a.exact != nil && b.exact != nil ? .exactly(rows) : .atLeast(rows)
  }
}
