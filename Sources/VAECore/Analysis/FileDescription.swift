import FoundationEssentials

/// What a file made by these tools holds: its kind, configuration, training and tensors.
public struct FileDescription: Encodable, Sendable {
  struct Tensor: Encodable, Sendable {
    let name: String
    let dtype: String
    let shape: [Int]
  }

  let name: String
  let bytes: Int
  let sha256: String
  let kind: String?
  let version: String?
  /// Values of the model itself; a checkpoint's optimiser is not counted.
  let parameters: Int
  let checkpoint: Bool
  let config: JSONValue?
  package let training: JSONValue?
  let scores: JSONValue?
  let tensors: [Tensor]

  /// Reads the whole of `source`.
  ///
  /// - Throws: `SafetensorsError` for what is no safetensors file.
  public init(_ source: ByteSource) throws { self.init(try SafetensorsFile(source)) }

  package init(_ file: SafetensorsFile) {
    sha256 = file.sha256()
    bytes = file.size
    name = file.name
    let metadata = file.metadata
    kind = metadata["vae-tools.kind"]
    version = metadata["vae-tools.version"]
    checkpoint = metadata["vae-tools.checkpoint"] != nil
    config = metadata["vae-tools.config"].map(JSONValue.init(text:))
    training = metadata["vae-tools.training"].map(JSONValue.init(text:))
    scores = metadata[ScoreStatistics.metadataKey].map(JSONValue.init(text:))
    tensors = file.entries.map { Tensor(name: $0.name, dtype: $0.dtype, shape: $0.shape) }
    parameters =
      tensors
      .filter { !$0.name.hasPrefix("optimizer.") && !$0.name.hasPrefix("best.") }
      .reduce(0) { $0 + $1.shape.reduce(1, *) }
  }

  /// One line of JSON.
  public func json() throws -> String { try sortedJSON(self) }

  /// A line for each fact, `name` and value apart by spaces.
  public var text: String {
    let width = facts.reduce(0) { max($0, $1.name.count) }
    return facts.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value
    }.joined(separator: "\n")
  }

  /// What there is to say, in order.
  package var facts: [(name: String, value: String)] {
    var lines: [(name: String, value: String)] = [
      ("file", name), ("bytes", "\(bytes)"), ("sha256", sha256),
      ("kind", (kind ?? "no vae-tools kind") + (checkpoint ? ", checkpoint" : "")),
      ("version", version ?? "none"), ("parameters", "\(parameters)"),
    ]
    for (name, value) in [("config", config), ("training", training), ("scores", scores)] {
      if let value { lines += value.flattened(name) }
    }
    lines += tensors.map { ($0.name, "\($0.dtype) \(Self.shape($0.shape))") }
    return lines
  }

  private static func shape(_ shape: [Int]) -> String {
    "[" + shape.map(String.init).joined(separator: ", ") + "]"
  }
}
