/// Why rows could not be analysed. `name` is the stream or file.
public enum AnalysisError: Failure, Equatable {
  case tooFewRows(name: String, expected: Int, got: Int)
  /// More components than rows or values in a row.
  case tooManyComponents(name: String, most: Int, asked: Int)
  /// Rows whose covariance is beyond reason.
  case rowsTooWide(name: String, most: Int, got: Int)
  /// t-SNE looks for more neighbours than there are.
  case perplexity(name: String, Double, rows: Int)
  /// A file that is not what `pca` saves.
  case notPCA(name: String, kind: String?)
  /// LAPACK found no eigenvalues.
  case noEigenvalues(code: Int)
  /// Labels that are not one for each row.
  case labelShape(name: String, rowShape: [Int])
  case labelCount(name: String, expected: Int, got: Int)
  /// Names for other than each class.
  case nameCount(expected: Int, got: Int)
  /// A line of metrics that is no JSON object.
  case notARecord(name: String, line: Int, got: String)
  case noEpochs(name: String)

  public var kind: FailureKind {
    switch self {
    case .noEigenvalues: .bug
    case .nameCount: .usage
    default: .badData
    }
  }

  public var description: String {
    switch self {
    case .tooFewRows(let name, let expected, let got):
      "\(name): expected at least \(expected) rows, got \(got)"
    case .tooManyComponents(let name, let most, let asked):
      "\(name): there are at most \(most) components, \(asked) were asked for"
    case .rowsTooWide(let name, let most, let got):
      "\(name): expected rows of at most \(most) values, whose covariance fits in memory, got \(got)"
    case .perplexity(let name, let perplexity, let rows):
      "\(name): a perplexity of \(perplexity) needs more rows than that, got \(rows)"
    case .notPCA(let name, let kind):
      "\(name): expected a file that pca saved, got "
        + (kind.map { "one of kind \"\($0)\"" } ?? "a safetensors file without vae-tools.kind")
    case .noEigenvalues(let code):
      "LAPACK found no eigenvalues (error \(code))"
    case .labelShape(let name, let rowShape):
      "\(name): expected one label a row, got rows of shape \(rowShape)"
    case .labelCount(let name, let expected, let got):
      "\(name): expected \(expected) labels, one for each point, got \(got)"
    case .nameCount(let expected, let got):
      "the names: expected \(expected) names, one for each label there is, got \(got)"
    case .notARecord(let name, let line, let got):
      "\(name): line \(line): expected a JSON object, as a training log has them, got \(got)"
    case .noEpochs(let name):
      "\(name): no records of epochs, expected those of a training log"
    }
  }
}
