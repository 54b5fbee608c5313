/// What a model or its file is refused for.
public enum ModelError: Failure, Equatable {
  case badConfiguration(String)
  case unknownKind(String)
  case notAModel(source: String, kind: String?)
  case missingTensor(source: String, name: String)
  case unexpectedTensor(source: String, name: String)
  case wrongShape(source: String, name: String, expected: [Int], found: [Int])
  case wrongRowSize(expected: Int, found: Int, source: String, what: String)
  case targetOutOfRange(source: String, row: Int, value: Float)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .badConfiguration(let what):
      "model configuration: \(what)"
    case .unknownKind(let kind):
      "models of kind \"\(kind)\" are not known to this version"
    case .notAModel(let source, let kind):
      "\(source): expected a model, got "
        + (kind.map { "a file of kind \"\($0)\"" } ?? "a safetensors file without vae-tools.kind")
    case .missingTensor(let source, let name):
      "\(source): the model has no tensor \(name)"
    case .unexpectedTensor(let source, let name):
      "\(source): the model's configuration has no place for tensor \(name)"
    case .wrongShape(let source, let name, let expected, let found):
      "\(source): tensor \(name): expected shape \(expected), got \(found)"
    case .wrongRowSize(let expected, let found, let source, let what):
      "\(source): expected \(what) of \(expected) values a row, got \(found)"
    case .targetOutOfRange(let source, let row, let value):
      "\(source): row \(row): \(value) is outside [0, 1], which the Bernoulli likelihood needs; "
        + "scale the data or use --likelihood gaussian"
    }
  }
}
