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

  public var kind: FailureKind { if case .noEigenvalues = self { .bug } else { .badData } }

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
    }
  }
}
