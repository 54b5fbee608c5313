/// Elements without a header, as some other program stores them.
package struct RawType: Hashable, Sendable {
  package let element: ElementType
  package let isBigEndian: Bool

  package init(_ element: ElementType, isBigEndian: Bool = false) {
    self.element = element
    self.isBigEndian = isBigEndian
  }

  /// A NumPy type code: `f4`, `<f4`, `>i2`, `|u1`; nil for any other text. Without an order the low
  /// byte comes first.
  package init?(_ text: String) {
    let order = text.first.flatMap { "<>|".contains($0) ? $0 : nil }
    guard let element = ElementType(rawValue: String(order == nil ? text[...] : text.dropFirst()))
    else { return nil }
    self.init(element, isBigEndian: order == ">")
  }

  /// What rows of `source` pass through on their way to this type; nil is Double.
  fileprivate func carried(from source: ElementType) -> ElementType? {
    switch element {
    case .u1: source == .u1 ? .u1 : nil
    case .f4: .f4
    case .f2: source == .f2 || source == .f4 ? .f4 : nil
    default: nil
    }
  }

  var isSwapped: Bool { element.size > 1 && isBigEndian != (1.bigEndian == 1) }
}

/// Why bytes are no rows, or rows no bytes of a type.
package enum RawError: Failure, Equatable {
  case cut(name: String, rows: Int, expected: Int, got: Int)
  case wrongCount(name: String, expected: Int, got: RowCount)
  case doesNotFit(name: String, row: Int, element: Int, value: Double, type: ElementType)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .cut(let name, let rows, let expected, let got):
      "\(name): row \(rows): expected \(expected) bytes, got \(got)"
    case .wrongCount(let name, let expected, let got):
      "\(name): expected \(expected) rows, got "
        + (got.exact.map { "\($0)" } ?? "\(got.minimum) or more")
    case .doesNotFit(let name, let row, let element, let value, let type):
      "\(name): row \(row): element \(element) is \(value), which \(type.rawValue) cannot hold"
    }
  }
}

/// Makes a stream of headerless rows: u1 of u1, f4 of any other type. Bytes are taken as they are,
/// even those that look like gzip.
/// - Parameters:
///   - source: untouched so far.
///   - rowShape: no zeros.
///   - rows: how many there must be; nil is as many as there are.
/// - Throws: `RawError` when the bytes are not that many rows, `StreamError`.
package func readRaw(
  _ source: ByteSource, type: RawType, rowShape: [Int], rows: Int?, to sink: ByteSink
) throws {
  source.undoesGzip = false
  let size = type.element.size
  let row = try Shape.checked(rowShape, of: type.element, name: source.name)
  let rowBytes = row.count * size
  let output: ElementType = type.element == .u1 ? .u1 : .f4
  let count = try rows.map { .exactly($0) } ?? rowsAhead(in: source, rowBytes: rowBytes)
  let writer = try DeferredHeaderWriter(sink, type: output, rowShape: rowShape, rows: count)
  let floats = GrowableBuffer<Float>()
  let limit = count.exact ?? .max
  let batch = max(1, RowCarrier.elements / row.count)
  var done = 0
  while done < limit {
    let block = try source.readGrowing(limit: min(batch, limit - done) * rowBytes)
    guard let base = block.base, block.count > 0 else { break }
    guard block.count % rowBytes == 0 else {
      throw RawError.cut(
        name: source.name, rows: done + block.count / rowBytes, expected: rowBytes,
        got: block.count % rowBytes)
    }
    done += block.count / rowBytes
    if output == .u1 {
      try writer.write(raw: UnsafeRawBufferPointer(start: base, count: block.count))
    } else {
      let elements = block.count / size
      guard floats.reserve(elements), let values = floats.base else {
        throw StreamError.outOfMemory(name: source.name)
      }
      ElementConversion.convert(
        base, count: elements, type: type.element, isSwapped: type.isSwapped, scalesBytes: false,
        into: values)
      try writer.write(
        raw: UnsafeRawBufferPointer(UnsafeBufferPointer(start: values, count: elements)))
    }
  }
  if done < limit, let expected = count.exact {
    throw RawError.wrongCount(name: source.name, expected: expected, got: .exactly(done))
  }
  guard try source.peek(1).isEmpty else {
    throw RawError.wrongCount(name: source.name, expected: done, got: .atLeast(done + 1))
  }
  try writer.finish()
}

/// The rows of a file by its size; a pipe has its own time.
private func rowsAhead(in source: ByteSource, rowBytes: Int) throws -> RowCount {
  guard let bytes = source.bytesAhead else { return .atLeast(0) }
  guard bytes % rowBytes == 0 else {
    throw RawError.cut(
      name: source.name, rows: bytes / rowBytes, expected: rowBytes, got: bytes % rowBytes)
  }
  return .exactly(bytes / rowBytes)
}

/// Writes the elements of a stream without a header.
///
/// Numbers become the type as `astype` of NumPy makes them so, fractions cut off; but a number that
/// a whole type cannot hold is an error. i8 and u8 pass through Double, unless they become f4.
/// - Throws: `RawError`, `StreamError`.
package func writeRaw(_ reader: TensorReader, as type: RawType, to sink: ByteSink) throws {
  let batch = max(1, RowCarrier.elements / reader.rowSize)
  var encoder = RawEncoder(type)
  // u1 to u1, anything to f4 in one rounding, and NaN to f2 with all its bits.
  if let carried = type.carried(from: reader.elementType) {
    let carrier = RowCarrier(carried)
    while try carrier.append(from: reader, maxRows: batch) > 0 {
      if carried == type.element, !type.isSwapped {
        try sink.write(carrier.raw)
      } else {
        encoder.encode(carrier.raw.assumingMemoryBound(to: Float.self))
        try sink.write(encoder.bytes)
      }
      carrier.clear()
    }
    return try sink.finish()
  }
  let block = GrowableBuffer<Double>()
  while true {
    let row = reader.rowsRead
    block.count = 0
    guard try reader.append(to: block, maxRows: batch, scaleBytes: false) > 0 else { break }
    let values = UnsafeBufferPointer(start: block.base, count: block.count)
    if let bad = encoder.encode(values) {
      throw RawError.doesNotFit(
        name: reader.name, row: row + bad / reader.rowSize, element: bad % reader.rowSize,
        value: values[bad], type: type.element)
    }
    try sink.write(encoder.bytes)
  }
  try sink.finish()
}
