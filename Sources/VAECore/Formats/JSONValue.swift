import FoundationEssentials

/// Any JSON value, to be shown or compared field by field.
package enum JSONValue: Codable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case integer(Int)
  /// Beyond `Int`.
  case unsigned(UInt64)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Text that is no JSON is a string.
  package init(text: String) {
    self = (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))) ?? .string(text)
  }

  package init(from decoder: any Decoder) throws {
    let value = try decoder.singleValueContainer()
    if value.decodeNil() {
      self = .null
    } else if let bool = try? value.decode(Bool.self) {
      self = .bool(bool)
    } else if let integer = try? value.decode(Int.self) {
      self = .integer(integer)
    } else if let integer = try? value.decode(UInt64.self) {
      self = .unsigned(integer)
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

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .integer(let value): try container.encode(value)
    case .unsigned(let value): try container.encode(value)
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
    case .unsigned(let value): [(name, "\(value)")]
    case .string(let value): [(name, value.printable)]
    case .array(let values):
      values.allSatisfy(\.isScalar)
        ? [(name, values.map { $0.flattened("")[0].1 }.joined(separator: ", "))]
        : values.enumerated().flatMap { $1.flattened("\(name).\($0)") }
    case .object(let values):
      values.keys.sorted().flatMap { values[$0]?.flattened("\(name).\($0)") ?? [] }
    }
  }

  /// The values inside as text, by their dotted names from here on.
  var fields: [String: String] {
    Dictionary(flattened("").map { (String($0.0.dropFirst()), $0.1) }) { _, last in last }
  }

  var isScalar: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }
}

extension String {
  /// Without what a terminal would obey.
  var printable: String {
    String(
      String.UnicodeScalarView(
        unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
  }
}
