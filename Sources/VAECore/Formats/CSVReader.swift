/// Reads text, a row of numbers a line, as a stream of f4 or u1.
///
/// Each number becomes the value of its type that is nearest. Empty lines, lines that begin with
/// `#`, blanks around a field, quotation marks around it, a byte-order mark and either kind of line
/// end are passed over. All lines must have as many fields as the first.
/// - Parameters:
///   - type: `.f4` or `.u1`.
///   - rowShape: the shape of a row; nil is flat, or no shape where a line has one number.
/// - Throws: `CSVError`, `StreamError`.
package func readCSV(
  _ source: ByteSource, format: CSVFormat = CSVFormat(), type: ElementType = .f4,
  rowShape: [Int]? = nil, to sink: ByteSink
) throws {
  var reader = CSVReader(source, format: format, type: type, rowShape: rowShape, to: sink)
  var buffer = [UInt8](repeating: 0, count: 1 << 16)
  if try source.peek(3) == [0xef, 0xbb, 0xbf] { _ = try source.take(3) }
  while true {
    let count = try buffer.withUnsafeMutableBytes(source.read)
    for byte in buffer[..<count] { try reader.take(byte) }
    if count < buffer.count { break }
  }
  try reader.finish()
}

/// The state between two bytes of the text.
private struct CSVReader {
  private static let longestField = 1024

  private let name: String
  private let format: CSVFormat
  private let type: ElementType
  private let rowShape: [Int]?
  private let sink: ByteSink
  private var writer: DeferredHeaderWriter?
  /// Fields a row must have, once that is known.
  private var width: Int?
  private var line = 1
  private var skipsLine: Bool
  private var field: [UInt8] = []
  /// Fields of the row so far.
  private var fields = 0
  private var bytes: [UInt8] = []
  private var floats: [Float] = []

  init(
    _ source: ByteSource, format: CSVFormat, type: ElementType, rowShape: [Int]?, to sink: ByteSink
  ) {
    name = source.name
    self.format = format
    self.type = type
    self.rowShape = rowShape
    self.sink = sink
    width = rowShape?.reduce(1, *)
    skipsLine = format.header
  }

  mutating func take(_ byte: UInt8) throws {
    switch byte {
    case UInt8(ascii: "\n"):
      try endLine()
    case _ where skipsLine:
      break
    case format.delimiter where byte != UInt8(ascii: " "), UInt8(ascii: "\t") where splitsAtBlanks,
      UInt8(ascii: " ") where splitsAtBlanks:
      if !splitsAtBlanks || !field.isEmpty { try endField() }
    case UInt8(ascii: "#") where fields == 0 && field.isEmpty:
      skipsLine = true
    case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"):
      // Within a field a blank makes it no number; around it, nothing.
      if !field.isEmpty { try append(UInt8(ascii: " ")) }
    default:
      try append(byte)
    }
  }

  mutating func finish() throws {
    try endLine()
    try flush()
    guard let writer else { throw CSVError.noRows(name: name) }
    try writer.finish()
  }

  private var splitsAtBlanks: Bool { format.delimiter == UInt8(ascii: " ") }

  private mutating func append(_ byte: UInt8) throws {
    guard field.count < Self.longestField else {
      throw CSVError.fieldTooLong(name: name, line: line, field: fields + 1)
    }
    field.append(byte)
  }

  private mutating func endLine() throws {
    defer { line += 1 }
    if skipsLine {
      skipsLine = false
      return
    }
    trimField()
    if fields == 0, field.isEmpty { return }
    if !splitsAtBlanks || !field.isEmpty { try endField() }
    if let width, fields != width {
      throw CSVError.fieldCount(name: name, line: line, expected: width, got: fields)
    }
    width = fields
    fields = 0
    if bytes.count + floats.count >= RowCarrier.elements { try flush() }
  }

  private mutating func trimField() {
    while field.last == UInt8(ascii: " ") { field.removeLast() }
  }

  private mutating func endField() throws {
    trimField()
    if field.count >= 2, field.first == UInt8(ascii: "\""), field.last == UInt8(ascii: "\"") {
      field.removeFirst()
      field.removeLast()
    }
    fields += 1
    if let width, fields > width {
      throw CSVError.fieldCount(name: name, line: line, expected: width, got: nil)
    }
    if type == .u1 {
      bytes.append(try byteValue())
    } else {
      floats.append(try floatValue())
    }
    field.removeAll(keepingCapacity: true)
  }

  /// The field as text; no number where there are characters that end a text, or that none has.
  private var text: String {
    field.allSatisfy { 0x20...0x7e ~= $0 } ? String(decoding: field, as: UTF8.self) : ""
  }

  private func byteValue() throws -> UInt8 {
    guard let value = Double(text) else {
      throw CSVError.notANumber(name: name, line: line, field: fields, got: .quoting(field))
    }
    guard let byte = UInt8(exactly: value) else {
      throw CSVError.notAByte(name: name, line: line, field: fields, got: .quoting(field))
    }
    return byte
  }

  private func floatValue() throws -> Float {
    guard let value = Float(text) else {
      throw CSVError.notANumber(name: name, line: line, field: fields, got: .quoting(field))
    }
    // Digits that come out infinite are too many; "inf" has none.
    if value.isInfinite, field.contains(where: { (0x30...0x39).contains($0) }) {
      throw CSVError.pastRange(name: name, line: line, field: fields, got: .quoting(field))
    }
    return value
  }

  /// Writes the rows read so far.
  private mutating func flush() throws {
    if writer == nil, let width {
      writer = try DeferredHeaderWriter(
        sink, type: type, rowShape: rowShape ?? (width == 1 ? [] : [width]), rows: .atLeast(0))
    }
    try bytes.withUnsafeBytes { try writer?.write(raw: $0) }
    try floats.withUnsafeBytes { try writer?.write(raw: $0) }
    bytes.removeAll(keepingCapacity: true)
    floats.removeAll(keepingCapacity: true)
  }
}
