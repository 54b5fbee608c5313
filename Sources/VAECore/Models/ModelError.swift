/// What a model or its file is refused for.
public enum ModelError: Failure, Equatable {
  case badConfiguration(String)
  case notAModel(source: String, kind: String?)
  case unexpectedTensor(source: String, name: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .badConfiguration(let what):
      "model configuration: \(what)"
    case .notAModel(let source, let kind):
      "\(source): expected a model, got "
        + (kind.map { "a file of kind \"\($0)\"" } ?? "a safetensors file without vae-tools.kind")
    case .unexpectedTensor(let source, let name):
      "\(source): the model's configuration has no place for tensor \(name)"
    }
  }
}
