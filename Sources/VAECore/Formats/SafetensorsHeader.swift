import FoundationEssentials

/// The JSON header of a safetensors file, as it is decoded and encoded.
struct SafetensorsHeader: Codable {
  struct Tensor: Codable {
    let dtype: String
    let shape: [Int]
    let offsets: [Int]

    enum CodingKeys: String, CodingKey {
      case dtype, shape
      case offsets = "data_offsets"
    }
  }

  var metadata: [String: String] = [:]
  var tensors: [String: Tensor] = [:]

  private static let metadataKey = "__metadata__"

  init() {}

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    for key in container.allKeys {
      if key.stringValue == Self.metadataKey {
        metadata = try container.decode([String: String].self, forKey: key)
      } else {
        tensors[key.stringValue] = try container.decode(Tensor.self, forKey: key)
      }
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    if !metadata.isEmpty { try container.encode(metadata, forKey: Key(Self.metadataKey)) }
    for (name, tensor) in tensors { try container.encode(tensor, forKey: Key(name)) }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(_ text: String) { stringValue = text }
    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { nil }
  }

  /// Decodes the header of the file `name`; what the decoder passes over is an error
  /// here.
  static func decode(_ text: UnsafeRawBufferPointer, name: String) throws -> SafetensorsHeader {
    do {
      let header = try JSONDecoder().decode(SafetensorsHeader.self, from: Data(text))
      switch JSONFault.first(in: text) {
      case nil: return header
      case .duplicate(let key): throw SafetensorsError.duplicateName(name: name, key: key)
      case .trailingComma: throw SafetensorsError.badHeader(name: name, detail: "not valid JSON")
      case .fraction:
        throw SafetensorsError.badHeader(name: name, detail: "expected whole numbers only")
      }
    } catch let error as DecodingError {
      throw SafetensorsError.badHeader(name: name, detail: describe(error))
    }
  }

  /// The header's bytes, keys sorted, padded with spaces to a multiple of 8.
  func encoded() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    var text = [UInt8](try encoder.encode(self))
    text += Array(repeating: 0x20, count: (8 - text.count % 8) % 8)
    return text
  }

  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      return "no \(String.quoting(key.stringValue.utf8))\(place(context.codingPath))"
    case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
      let expected =
        if type == Int.self { "a whole number" } else if type == String.self { "a string" } else {
          type is any ExpressibleByArrayLiteral.Type ? "a list" : "an object"
        }
      return "expected \(expected)\(place(context.codingPath))"
    default: return "not valid JSON"
    }
  }

  /// Where in the header: ` in 'encoder.0.weight', 'shape'`.
  private static func place(_ path: [any CodingKey]) -> String {
    let keys = path.filter { $0.intValue == nil }.map { String.quoting($0.stringValue.utf8) }
    return keys.isEmpty ? "" : " in " + keys.joined(separator: ", ")
  }
}
