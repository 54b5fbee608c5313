/// What a dictionary, its file or the options of sparse coding are refused for.
public enum SparseError: Failure, Equatable {
  case badOption(String)
  case notADictionary(source: String, kind: String?)
  case badDictionary(source: String, String)
  case wrongWidth(source: String, expected: Int, got: Int)
  case wrongCodes(source: String, expected: Int, got: Int)
  case brokenCodes(source: String, row: Int, String)
  case nothingToLearn(source: String, String)

  public var kind: FailureKind {
    switch self {
    case .badOption: .usage
    default: .badData
    }
  }

  public var description: String {
    switch self {
    case .badOption(let what): what
    case .notADictionary(let source, let kind):
      "\(source): expected a dictionary, got "
        + (kind.map { "a file of kind \"\($0)\"" } ?? "a safetensors file without vae-tools.kind")
    case .badDictionary(let source, let what): "\(source): \(what)"
    case .wrongWidth(let source, let expected, let got):
      "\(source): rows have \(got) \(got == 1 ? "value" : "values"), "
        + "the dictionary's atoms have \(expected)"
    case .wrongCodes(let source, let expected, let got):
      "\(source): rows have \(got) \(got == 1 ? "value" : "values"), expected \(expected)"
    case .brokenCodes(let source, let row, let what): "\(source): row \(row): \(what)"
    case .nothingToLearn(let source, let what): "\(source): \(what)"
    }
  }
}
