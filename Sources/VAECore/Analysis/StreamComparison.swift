/// How far two numbers may be apart: a and b are close when |a − b| ≤ absolute + relative·|b|,
/// computed in Double, as `np.allclose` has it.
package struct Tolerance: Equatable, Sendable {
  package var absolute = 1e-8
  package var relative = 1e-5
  /// Whether NaN is close to NaN.
  package var equalNaN = false

  package init() {}

  /// By how much `a` is too far from `b`; nil when it is close. An infinity is close to itself only.
  @inline(__always)
  func excess(_ a: Double, _ b: Double) -> Double? {
    let (distance, allowed) = ((a - b).magnitude, absolute + relative * b.magnitude)
    if distance <= allowed, b.isFinite { return nil }
    if a == b || (equalNaN && a.isNaN && b.isNaN) { return nil }
    // An infinity or NaN is farther off than any number.
    return distance.isFinite ? distance - allowed : .infinity
  }
}

/// What a comparison of two streams found.
package struct StreamComparison: Equatable, Sendable {
  /// One thing of each stream.
  package struct Both<Value: Equatable & Sendable>: Equatable, Sendable {
    package var first: Value
    package var second: Value
    package var agree: Bool { first == second }
  }

  /// Two values that are not close.
  package struct Place: Equatable, Sendable {
    package let row: Int
    package let element: Int
    package let values: Both<Double>
    let excess: Double
  }

  package let names: Both<String>
  package let rowSizes: Both<Int>
  package private(set) var rows = Both(first: 0, second: 0)
  /// Values that were compared.
  package private(set) var compared = 0
  /// Values among them that are not close.
  package private(set) var different = 0
  /// Where they are farthest apart, beyond what is allowed; the first such place.
  package private(set) var worst: Place?
  private let types: Both<ElementType>

  package var isClose: Bool { different == 0 && rows.agree && rowSizes.agree }

  /// Compares two streams row by row. Rows of as many values are alike whatever their shapes; of
  /// streams with rows of different sizes nothing is read.
  /// - Parameter scaleBytes: u1 counts as value/255; otherwise as 0 to 255.
  /// - Throws: `StreamError`.
  package init(
    _ a: TensorReader, _ b: TensorReader, within tolerance: Tolerance, scaleBytes: Bool = false
  ) throws {
    names = Both(first: a.name, second: b.name)
    types = Both(first: a.elementType, second: b.elementType)
    rowSizes = Both(first: a.rowSize, second: b.rowSize)
    guard rowSizes.agree else { return }
    let (first, second) = (GrowableBuffer<Double>(), GrowableBuffer<Double>())
    let batch = max(1, RowCarrier.elements / a.rowSize)
    while true {
      first.count = 0
      second.count = 0
      let start = rows.first
      let countA = try a.append(to: first, maxRows: batch, scaleBytes: scaleBytes)
      let countB = try b.append(to: second, maxRows: batch, scaleBytes: scaleBytes)
      rows = Both(first: start + countA, second: start + countB)
      compare(
        UnsafeBufferPointer(start: first.base, count: first.count),
        UnsafeBufferPointer(start: second.base, count: second.count),
        firstRow: start, within: tolerance)
      guard countA == batch, countB == batch else { break }
    }
    // Only to say how many there are; at most one has any left.
    if !rows.agree {
      rows.first += try a.skip(rows: .max)
      rows.second += try b.skip(rows: .max)
    }
  }

  private mutating func compare(
    _ a: UnsafeBufferPointer<Double>, _ b: UnsafeBufferPointer<Double>, firstRow: Int,
    within tolerance: Tolerance
  ) {
    let count = min(a.count, b.count)
    compared += count
    for i in 0..<count {
      guard let excess = tolerance.excess(a[i], b[i]) else { continue }
      different += 1
      if excess > worst?.excess ?? -1 {
        let (row, element) = i.quotientAndRemainder(dividingBy: rowSizes.first)
        worst = Place(
          row: firstRow + row, element: element, values: Both(first: a[i], second: b[i]),
          excess: excess)
      }
    }
  }

  /// A line for each way in which the streams differ; empty when they do not.
  package var text: String {
    var differences: [String] = []
    if !rowSizes.agree {
      differences.append("rows of \(rowSizes.first) values against \(rowSizes.second)")
    }
    if !rows.agree { differences.append("\(rows.first) rows against \(rows.second)") }
    if let worst {
      differences.append(
        "\(different) of \(compared) values, most at row \(worst.row), element \(worst.element): "
          + "\(decimal(worst.values.first, as: types.first)) against "
          + decimal(worst.values.second, as: types.second))
    }
    return differences.map { "\(names.first) \(names.second) differ: \($0)" }
      .joined(separator: "\n")
  }
}
