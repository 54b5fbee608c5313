/// A Python literal, as far as the headers of `.npy` files have them.
indirect enum PythonLiteral {
  case string([UInt8])
  case boolean(Bool)
  case integer(Int)
  /// An integer beyond `Int`, as it stands.
  case hugeInteger(String)
  case none
  case tuple([PythonLiteral])
  case list([PythonLiteral])
  case dictionary([(key: PythonLiteral, value: PythonLiteral)])
}

/// Reads one literal from bytes that may hold anything.
struct PythonLiteralParser {
  struct Failure: Error {
    let byte: Int
    let detail: String
  }

  private let bytes: [UInt8]
  private var next = 0
  /// Whether integers may end in `L`, as Python 2 wrote them.
  private let allowsLong: Bool

  /// The literal that `bytes` hold, with nothing but white space around it.
  static func parse(_ bytes: [UInt8], allowsLong: Bool) throws(Failure) -> PythonLiteral {
    var parser = PythonLiteralParser(bytes: bytes, allowsLong: allowsLong)
    let value = try parser.value(depth: 0)
    parser.skipSpace()
    guard parser.next == bytes.count else { throw parser.failure("expected the end of the header") }
    return value
  }

  private init(bytes: [UInt8], allowsLong: Bool) {
    self.bytes = bytes
    self.allowsLong = allowsLong
  }

  private var current: UInt8? { next < bytes.count ? bytes[next] : nil }

  private func failure(_ expected: String) -> Failure {
    let got = current.map { String.quoting([$0]) } ?? "the end"
    return Failure(byte: next, detail: "\(expected), got \(got)")
  }

  private mutating func skipSpace() {
    while let byte = current, byte == 0x20 || (0x09...0x0d).contains(byte) { next += 1 }
  }

  /// Steps over `character` where it comes next.
  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    skipSpace()
    guard current == UInt8(ascii: character) else { return false }
    next += 1
    return true
  }

  private mutating func value(depth: Int) throws(Failure) -> PythonLiteral {
    guard depth < 16 else { throw failure("expected fewer nested brackets") }
    skipSpace()
    switch current.map(Unicode.Scalar.init) {
    case "{": return try dictionary(depth: depth)
    case "(", "[": return try sequence(depth: depth)
    case "'", "\"": return .string(try string())
    case "+", "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9": return try integer()
    default: return try word()
    }
  }

  private mutating func dictionary(depth: Int) throws(Failure) -> PythonLiteral {
    next += 1
    var pairs: [(key: PythonLiteral, value: PythonLiteral)] = []
    while !skip("}") {
      let key = try value(depth: depth + 1)
      guard skip(":") else { throw failure("expected ':'") }
      pairs.append((key, try value(depth: depth + 1)))
      if skip(",") { continue }
      guard skip("}") else { throw failure("expected ',' or '}'") }
      break
    }
    return .dictionary(pairs)
  }

  /// A tuple, a list, or a value in parentheses, which is that value.
  private mutating func sequence(depth: Int) throws(Failure) -> PythonLiteral {
    let isList = current == UInt8(ascii: "[")
    let end: Unicode.Scalar = isList ? "]" : ")"
    next += 1
    var values: [PythonLiteral] = []
    var endsInComma = false
    while !skip(end) {
      values.append(try value(depth: depth + 1))
      endsInComma = skip(",")
      if endsInComma { continue }
      guard skip(end) else { throw failure("expected ',' or '\(end)'") }
      break
    }
    if isList { return .list(values) }
    return values.count == 1 && !endsInComma ? values[0] : .tuple(values)
  }

  private mutating func string() throws(Failure) -> [UInt8] {
    let quote = bytes[next]
    let start = next + 1
    next = start
    while let byte = current, byte != quote {
      // No type or key has an escape in it.
      guard byte >= 0x20, byte != UInt8(ascii: "\\") else { throw failure("expected plain text") }
      next += 1
    }
    guard current != nil else { throw failure("expected a closing quote") }
    defer { next += 1 }
    return Array(bytes[start..<next])
  }

  private mutating func integer() throws(Failure) -> PythonLiteral {
    let start = next
    if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { next += 1 }
    let firstDigit = next
    while let byte = current, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { next += 1 }
    guard next > firstDigit else { throw failure("expected a digit") }
    let text = String(decoding: bytes[start..<next], as: UTF8.self)
    if allowsLong, current == UInt8(ascii: "L") { next += 1 }
    return Int(text).map { .integer($0) } ?? .hugeInteger(text)
  }

  private mutating func word() throws(Failure) -> PythonLiteral {
    for (text, value) in [
      ("True", PythonLiteral.boolean(true)), ("False", .boolean(false)), ("None", .none),
    ] where bytes[next...].starts(with: text.utf8) {
      next += text.utf8.count
      return value
    }
    throw failure("expected a value")
  }
}
