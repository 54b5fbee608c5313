/// What u1 becomes in a stream of f4.
package enum ByteMeaning: String, Sendable, CaseIterable {
  /// value/255, as bytes of images mean it.
  case unit
  /// The number itself, as labels mean it.
  case plain
}

/// Why streams cannot be joined.
package enum JoinError: Failure, Equatable {
  case mixedTypes(name: String, got: ElementType, other: String, expected: ElementType)
  case rowsDiffer(name: String, rows: RowCount, other: String, expected: RowCount)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .mixedTypes(let name, let got, let other, let expected):
      "\(name): holds \(got.rawValue), and \(other) \(expected.rawValue)"
    case .rowsDiffer(let name, let rows, let other, let expected):
      "\(name): has \(Self.words(rows)) rows, and \(other) \(Self.words(expected)): columns side "
        + "by side need as many"
    }
  }

  private static func words(_ rows: RowCount) -> String {
    rows.exact.map { "\($0)" } ?? "at least \(rows.minimum)"
  }
}

/// Writes the rows of streams one after the other, in the row shape of the first.
///
/// The stream is u1 when all are and `bytes` is nil, otherwise f4.
/// - Parameter whole: hold all rows rather than write a second array.
/// - Throws: `StreamError` for rows of another size, `JoinError` for u1 among other types when
///   nobody said what bytes mean.
package func joinRows(
  _ inputs: [TensorInput], bytes: ByteMeaning?, whole: Bool, to sink: ByteSink
) throws {
  guard let first = inputs.first else { return }
  let type = try commonType(of: inputs, bytes: bytes)
  for input in inputs where input.rowSize != first.rowSize {
    throw StreamError.wrongRowSize(
      name: input.name, row: 0, expected: first.rowSize, got: input.rowSize)
  }
  let writer = try DeferredHeaderWriter(
    sink, type: type, rowShape: first.rowShape,
    rows: inputs.dropFirst().reduce(first.rows) { $0 + $1.rows },
    mostHeld: whole ? .max : 1 << 24)
  let block = RowCarrier(type, scaleBytes: bytes == .unit)
  let batch = max(1, RowCarrier.elements / first.rowSize)
  for input in inputs {
    let reader = try input.reader()
    while try block.append(from: reader, maxRows: batch) > 0 { try block.move(to: writer) }
  }
  try writer.finish()
}

/// Writes the rows of streams side by side: row i is row i of the first, then of the second, and so
/// on. Rows that agree in all axes but the first of their own are joined along that, as
/// `np.concatenate(axis=1)` does; others flat.
/// - Throws: `JoinError` when one has more rows than another, otherwise as `joinRows`.
package func joinColumns(
  _ inputs: [TensorInput], bytes: ByteMeaning?, whole: Bool, to sink: ByteSink
) throws {
  guard let first = inputs.first else { return }
  let type = try commonType(of: inputs, bytes: bytes)
  let counted = inputs.first { $0.rows.exact != nil }
  if let counted, let other = inputs.first(where: { !$0.rows.allows(counted.rows.minimum) }) {
    throw JoinError.rowsDiffer(
      name: other.name, rows: other.rows, other: counted.name, expected: counted.rows)
  }
  let shape = try joinedShape(inputs.map(\.rowShape), type: type, name: sink.name)
  let writer = try DeferredHeaderWriter(
    sink, type: type, rowShape: shape.dimensions,
    rows: counted?.rows ?? .atLeast(inputs.map(\.rows.minimum).max() ?? 0),
    mostHeld: whole ? .max : 1 << 24)

  let sides = try inputs.map { (try $0.reader(), RowCarrier(type, scaleBytes: bytes == .unit)) }
  let joined = GrowableBuffer<UInt8>()
  let batch = max(1, RowCarrier.elements / shape.count)
  while true {
    for (reader, block) in sides {
      block.clear()
      _ = try block.append(from: reader, maxRows: batch)
    }
    let rows = sides.map(\.1.rows).max() ?? 0
    if let (reader, _) = sides.first(where: { $0.1.rows < rows }) {
      // The first that has more is named, too.
      let other = sides.first { $0.1.rows == rows }
      throw JoinError.rowsDiffer(
        name: reader.name, rows: .exactly(reader.rowsRead),
        other: other?.0.name ?? first.name, expected: .atLeast(reader.rowsRead + 1))
    }
    if rows == 0 { break }
    try interleave(sides.map(\.1), rows: rows, into: joined, name: sink.name)
    try writer.write(raw: UnsafeRawBufferPointer(start: joined.base, count: joined.count))
  }
  try writer.finish()
}

private func commonType(of inputs: [TensorInput], bytes: ByteMeaning?) throws -> ElementType {
  if bytes != nil { return .f4 }
  guard let byte = inputs.first(where: { $0.elementType == .u1 }) else { return .f4 }
  if let other = inputs.first(where: { $0.elementType != .u1 }) {
    throw JoinError.mixedTypes(
      name: byte.name, got: .u1, other: other.name, expected: other.elementType)
  }
  return .u1
}

private func joinedShape(_ shapes: [[Int]], type: ElementType, name: String) throws -> Shape {
  let inner = shapes[0].dropFirst()
  let along = shapes.allSatisfy { !$0.isEmpty && $0.dropFirst() == inner }
  let widths = along ? shapes.map { $0[0] } : shapes.map { $0.reduce(1, *) }
  // Each row fits the address space, and so do as many of them as operands fit a command line.
  let width = widths.reduce(0) { sum, width in
    let (next, overflow) = sum.addingReportingOverflow(width)
    return overflow ? .max : next
  }
  return try .checked(along ? [width] + inner : [width], of: type, name: name)
}

/// Puts row i of each block side by side, in `joined`.
private func interleave(
  _ blocks: [RowCarrier], rows: Int, into joined: GrowableBuffer<UInt8>, name: String
) throws {
  let raws = blocks.map(\.raw)
  let rowBytes = raws.reduce(0) { $0 + $1.count / rows }
  guard joined.reserve(rows * rowBytes), let base = joined.base else {
    throw StreamError.outOfMemory(name: name)
  }
  joined.count = rows * rowBytes
  var start = 0
  for raw in raws {
    let width = raw.count / rows
    for row in 0..<rows {
      let side = UnsafeRawBufferPointer(rebasing: raw[(row * width)..<((row + 1) * width)])
      UnsafeMutableRawBufferPointer(start: base + row * rowBytes + start, count: width)
        .copyMemory(from: side)
    }
    start += width
  }
}
