/// Arguments, variables and file names are bytes, mostly but not always UTF-8. Text keeps all of
/// them: bytes that are not valid UTF-8 stand in it as the last characters of the private plane 16,
/// U+10FF80 to U+10FFFF, and come out as the bytes they were. (Where those characters are meant,
/// their own bytes are kept the same way.)
extension String {
  /// Text from the system.
  package init(system text: UnsafePointer<CChar>) {
    if let valid = String(validatingCString: text), !valid.unicodeScalars.contains(where: isMark) {
      self = valid
      return
    }
    var bytes: [UInt8] = []
    while text[bytes.count] != 0 { bytes.append(UInt8(bitPattern: text[bytes.count])) }
    self.init(system: bytes)
  }

  package init(system bytes: [UInt8]) {
    var scalars = String.UnicodeScalarView()
    var parser = Unicode.UTF8.ForwardParser()
    var rest = bytes.makeIterator()
    var next = 0
    parsing: while true {
      let count: Int
      switch parser.parseScalar(from: &rest) {
      case .emptyInput: break parsing
      case .valid(let encoded):
        let scalar = Unicode.UTF8.decode(encoded)
        count = encoded.count
        if !isMark(scalar) {
          scalars.append(scalar)
          next += count
          continue
        }
      case .error(let length): count = length
      }
      for byte in bytes[next..<(next + count)] {
        if let mark = Unicode.Scalar(firstMark - 0x80 + UInt32(byte)) { scalars.append(mark) }
      }
      next += count
    }
    self.init(scalars)
  }

  /// The bytes of the text, as the system has them.
  package var systemBytes: [UInt8] {
    guard unicodeScalars.contains(where: isMark) else { return Array(utf8) }
    return unicodeScalars.flatMap { scalar in
      isMark(scalar) ? [UInt8(truncatingIfNeeded: scalar.value)] : Array(String(scalar).utf8)
    }
  }

  /// Calls `body` with those bytes and a zero behind them.
  package func withSystemText<Result>(
    _ body: (UnsafePointer<CChar>) throws -> Result
  ) rethrows -> Result {
    let text = systemBytes.map { CChar(bitPattern: $0) } + [0]
    return try text.withUnsafeBufferPointer { text in
      guard let base = text.baseAddress else { preconditionFailure("a text has its end") }
      return try body(base)
    }
  }
}

private let firstMark: UInt32 = 0x10_ff80

private func isMark(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= firstMark }
