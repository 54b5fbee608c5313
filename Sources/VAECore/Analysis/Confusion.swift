/// How often each label was taken for each class.
public struct Confusion: Sendable {
  /// A table of more classes than this is not kept.
  static let mostClasses = 32

  /// What can be predicted, ascending.
  public let classes: [Int]
  /// Rows that have a label.
  public private(set) var rows = 0
  /// Rows that have none, and count nowhere else.
  public private(set) var unlabelled: Int
  public private(set) var correct = 0
  /// By label, then by prediction; behind the classes a row for all labels that are none of them.
  private var counts: [Int]
  private let position: [Int: Int]

  public init(classes: [Int], unlabelled: Int = 0) {
    self.classes = classes
    self.unlabelled = unlabelled
    position = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
    let kept = classes.count <= Self.mostClasses
    counts = [Int](repeating: 0, count: kept ? (classes.count + 1) * classes.count : 0)
  }

  /// Takes note of a row with that label whose most probable class stands at `prediction`.
  mutating func add(label: Int?, prediction: Int) {
    guard let label else {
      unlabelled += 1
      return
    }
    rows += 1
    if classes[prediction] == label { correct += 1 }
    guard !counts.isEmpty else { return }
    counts[position[label, default: classes.count] * classes.count + prediction] += 1
  }

  /// The share of rows whose label was predicted.
  public var accuracy: Double { Double(correct) / Double(max(rows, 1)) }

  /// The accuracy in one line.
  public var summary: String {
    "accuracy \(fixed(100 * accuracy, 2)) %, \(correct) of \(rows) rows"
      + (unlabelled == 0 ? "" : "; \(unlabelled) without a label passed over")
  }

  /// Lines of a table: a row for each label, a column for each prediction, and the share of the
  /// label's rows that were right. Nil for more than 32 classes.
  public var table: String? {
    guard !counts.isEmpty else { return nil }
    var lines = [["label"] + classes.map(String.init) + ["right"]]
    for row in 0...classes.count {
      let counts = self.counts[row * classes.count..<(row + 1) * classes.count]
      let sum = counts.reduce(0, +)
      guard row < classes.count || sum > 0 else { continue }
      let right = row < classes.count ? counts[counts.startIndex + row] : 0
      lines.append(
        [row < classes.count ? "\(classes[row])" : "other"] + counts.map(String.init)
          + [sum == 0 ? "-" : fixed(100 * Double(right) / Double(sum), 1) + " %"])
    }
    let widths = lines[0].indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      zip(line, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }
        .joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
