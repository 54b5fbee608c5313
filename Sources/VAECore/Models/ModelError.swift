/// What a model or its file is refused for.
public enum ModelError: Failure, Equatable {
  case badConfiguration(String)
  case notAModel(source: String, kind: String?)
  case unexpectedTensor(source: String, name: String)

  /// A model to start from has other parameters.
  case differs(name: String, expected: [Int], got: [Int]?)
  case nothingInCommon
  /// A plain autoencoder has no distribution over codes.
  case noPosterior

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .differs(let name, let expected, let got):
      "--init: \(name): expected shape \(expected), got \(got.map { "\($0)" } ?? "no such tensor"); "
        + "--init-matching takes what fits"
    case .nothingInCommon:
      "--init: no tensor of that model fits this one"
    case .noPosterior:
      "a plain autoencoder's code has no variance: --sample and --logvar need a variational one"
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
