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
  let training: JSONValue?
  let scores: JSONValue?
  let tensors: [Tensor]

  /// Reads the whole of `source`.
  ///
  /// - Throws: `SafetensorsError` for what is no safetensors file.
  public init(_ source: ByteSource) throws {
    let file = try SafetensorsFile(source)
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
    var lines: [(String, String)] = [
      ("file", name), ("bytes", "\(bytes)"), ("sha256", sha256),
      ("kind", (kind ?? "no vae-tools kind") + (checkpoint ? ", checkpoint" : "")),
      ("version", version ?? "none"), ("parameters", "\(parameters)"),
    ]
    for (name, value) in [("config", config), ("training", training), ("scores", scores)] {
      if let value { lines += value.flattened(name) }
    }
    lines += tensors.map { ($0.name, "\($0.dtype) \(Self.shape($0.shape))") }
    let width = lines.reduce(0) { max($0, $1.0.count) }
    return lines.map { name, value in
      name + String(repeating: " ", count: width - name.count + 2) + value
    }.joined(separator: "\n")
  }

  private static func shape(_ shape: [Int]) -> String {
    "[" + shape.map(String.init).joined(separator: ", ") + "]"
  }
}

/// Any JSON value, to be shown.
enum JSONValue: Codable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case integer(Int)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Text that is no JSON is a string.
  init(text: String) {
    self = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .string(text)
  }

  init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let number = try? value.decode(Double.self) {
      self = .number(number)
    } else if let string = try? value.decode(String.self) {
      self = .string(string)
    } else if let array = try? value.decode([JSONValue].self) {
      self = .array(array)
    } else {
      self = .object(try value.decode([String: JSONValue].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }

  /// The values inside, by their dotted names.
  func flattened(_ name: String) -> [(String, String)] {
    switch self {
    case .null: [(name, "null")]
    case .bool(let value): [(name, "\(value)")]
    case .number(let value): [(name, "\(value)")]
    case .integer(let value): [(name, "\(value)")]
    case .string(let value): [(name, value.printable)]
    case .array(let values):
      values.allSatisfy(\.isScalar)
        ? [(name, values.map { $0.flattened("")[0].1 }.joined(separator: ", "))]
        : values.enumerated().flatMap { $1.flattened("\(name).\($0)") }
    case .object(let values):
      values.keys.sorted().flatMap { values[$0]?.flattened("\(name).\($0)") ?? [] }
    }
  }

  private var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}

extension String {
  /// Without what a terminal would obey.
  fileprivate var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}
