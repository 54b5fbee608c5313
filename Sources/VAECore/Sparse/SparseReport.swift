/// What came out of coding some rows, from double-precision sums over the codes as written.
public struct SparseReport: Sendable, Equatable {
  public internal(set) var rows = 0
  /// ½‖x − aD‖² + λ‖a‖₁, mean over rows. Without its second term for `omp`.
  public var objective: Double { rows > 0 ? objectiveSum / Double(rows) : 0 }
  /// The worst row's duality gap over ½‖x‖², which bounds its distance from the minimum. Nil
  /// where the solver minimises nothing.
  public internal(set) var worstGap: Double?
  /// The mean of the same.
  public var meanGap: Double? { worstGap == nil || rows == 0 ? nil : gapSum / Double(rows) }
  /// Non-zero codes a row.
  public var nonzeros: Double {
    let all = histogram.enumerated().reduce(0) { $0 + $1.offset * $1.element }
    return rows > 0 ? Double(all) / Double(rows) : 0
  }
  /// Rows by number of non-zeros, 0...k.
  public internal(set) var histogram: [Int]
  /// 1 − Σ‖x − aD‖² / Σ‖x − x̄‖², where x̄ is the mean row: the share of the rows' variance that
  /// the codes keep. Nil where the rows do not vary.
  public var explained: Double? {
    guard rows > 0 else { return nil }
    let meanSquare = sums.reduce(0) { $0 + $1 * $1 } / Double(rows)
    let spread = 2 * energySum - meanSquare
    return spread > 1e-12 * energySum ? 1 - 2 * errorSum / spread : nil
  }
  /// Rows that use each atom.
  public internal(set) var uses: [Int]
  /// Atoms that no row uses.
  public var deadAtoms: Int { rows > 0 ? uses.count { $0 == 0 } : 0 }
  /// Rows whose gap is above the tolerance.
  public internal(set) var unconverged = 0
  /// Those of them that are solved, so that only the rounding of their codes to f4 is left.
  public internal(set) var roundingLimited = 0

  var objectiveSum = 0.0
  var gapSum = 0.0
  var energySum = 0.0
  var errorSum = 0.0
  var sums: [Double]

  init(atoms: Int, width: Int) {
    histogram = Array(repeating: 0, count: atoms + 1)
    uses = Array(repeating: 0, count: atoms)
    sums = Array(repeating: 0, count: width)
  }
}

extension SparseReport: CustomStringConvertible {
  /// One line: `60000 rows, objective 1.006, relative gap at most 1.7e-07, 18.04 of 64 non-zero,
  /// R² 0.9953, 0 dead atoms`.
  public var description: String {
    var parts = [counted(rows, "row"), "objective \(shortFigure(objective))"]
    if let worstGap { parts.append("relative gap at most \(shortFigure(worstGap))") }
    parts.append("\(shortFigure(nonzeros)) of \(uses.count) non-zero")
    if let explained { parts.append("R² \(shortFigure(explained))") }
    parts.append(counted(deadAtoms, "dead atom"))
    return parts.joined(separator: ", ")
  }

  /// A second line for who wants more: the histogram of non-zeros in at most eight classes, the
  /// mean gap.
  public var details: String {
    var line = "non-zeros a row: " + (rows == 0 ? "none" : classes.joined(separator: ", "))
    if let meanGap { line += "; mean relative gap \(shortFigure(meanGap))" }
    return line
  }

  private var classes: [String] {
    guard let first = histogram.firstIndex(where: { $0 > 0 }),
      let last = histogram.lastIndex(where: { $0 > 0 })
    else { return [] }
    let width = (last - first) / 8 + 1
    return stride(from: first, through: last, by: width).map { low in
      let high = min(low + width - 1, last)
      let share = 100 * Double(histogram[low...high].reduce(0, +)) / Double(rows)
      let tenths = (share * 10).rounded() / 10
      return (low == high ? "\(low)" : "\(low)-\(high)") + " \(tenths) %"
    }
  }

  private func counted(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }
}
