/// What files hold as a table, to be sorted and cut by other programs: a line for each file, values
/// apart by tabs.
public struct FileTable: Sendable {
  /// Names of facts that have a shorter one in tables.
  private static let shortNames: KeyValuePairs = [
    "file": "name",
    "hidden": "config.hidden",
    "latent": "config.latent",
    "likelihood": "config.likelihood",
    "beta": "config.beta",
    "seed": "training.options.seed",
    "epochs": "training.epochs",
    "loss": "training.last.training.loss",
    "reconstruction": "training.last.training.reconstruction",
    "kl": "training.last.training.kl",
    "valid_loss": "training.last.validation.loss",
    "valid_reconstruction": "training.last.validation.reconstruction",
    "valid_kl": "training.last.validation.kl",
  ]

  /// What the columns of a table are when nothing else is asked for.
  public static let usualColumns = shortNames.map(\.key)

  public let columns: [String]
  private let paths: [[Substring]]
  /// The columns that no file has had a value for.
  public private(set) var emptyColumns: [String]

  /// - Parameter columns: names of facts, as `FileDescription.text` has them, or short ones.
  public init(columns: [String] = usualColumns) {
    self.columns = columns
    emptyColumns = columns
    let long = Dictionary(Self.shortNames.map { ($0.key, $0.value) }) { first, _ in first }
    paths = columns.map { (long[$0] ?? $0).split(separator: ".", omittingEmptySubsequences: false) }
  }

  /// The names of the columns.
  public var header: String { columns.map(\.printable).joined(separator: "\t") }

  /// The line of a file; `-` where it has no such value.
  public mutating func line(_ description: FileDescription) throws -> String {
    let facts = JSONValue(text: try description.json())
    let cells = paths.map { facts[$0[...]]?.cell ?? "" }
    emptyColumns = zip(columns, cells).filter { emptyColumns.contains($0) && $1.isEmpty }.map(\.0)
    return cells.map { $0.isEmpty ? "-" : $0 }.joined(separator: "\t")
  }
}

extension JSONValue {
  /// The value inside of that name, part by part.
  fileprivate subscript(path: ArraySlice<Substring>) -> JSONValue? {
    guard let first = path.first else { return self }
    guard case .object(let values) = self else { return nil }
    return values[String(first)]?[path.dropFirst()]
  }

  /// As it stands in a table: without spaces of our own, fractions to six digits.
  fileprivate var cell: String? {
    switch self {
    case .number(let value): "\(rounded(value))"
    case .array(let values):
      values.allSatisfy(\.isScalar) ? values.compactMap(\.cell).joined(separator: ",") : nil
    case .null, .object: nil
    default: flattened("")[0].1
    }
  }
}

/// To six significant digits, or to a whole number.
private func rounded(_ value: Double) -> Double {
  guard value != 0, value.isFinite else { return value }
  var scale = 1.0
  while value.magnitude * scale < 100_000 { scale *= 10 }
  return scale.isFinite ? (value * scale).rounded() / scale : value
}
