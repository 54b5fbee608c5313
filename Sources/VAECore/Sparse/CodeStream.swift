/// How codes are written.
public enum CodeFormat: String, CaseIterable, Sendable {
  /// One row of k values a row, zeros included.
  case dense
  /// The non-zeros alone: rows of two, (atom, code), and (k, number of non-zeros) after the last
  /// of each row. See tensor-stream(5).
  case csr
}

/// Writes rows of codes as a tensor stream.
final class CodeWriter {
  private let writer: TensorWriter
  private let format: CodeFormat
  private let atoms: Int
  private var pairs: [Float] = []

  /// - Parameter rows: the rows that are known to come; there may be more.
  init(_ sink: ByteSink, format: CodeFormat, atoms: Int, rows: Int) throws {
    self.format = format
    self.atoms = atoms
    writer = try TensorWriter(
      sink, type: .f4, rowShape: [format == .dense ? atoms : 2],
      rows: format == .dense ? rows : nil, continues: true)
  }

  func write(_ codes: UnsafeBufferPointer<Float>) throws {
    guard format == .csr else { return try writer.write(codes) }
    pairs.removeAll(keepingCapacity: true)
    for row in stride(from: 0, to: codes.count, by: atoms) {
      let before = pairs.count
      for atom in 0..<atoms where codes[row + atom] != 0 {
        pairs.append(Float(atom))
        pairs.append(codes[row + atom])
      }
      let nonzeros = (pairs.count - before) / 2
      pairs.append(Float(atoms))
      pairs.append(Float(nonzeros))
    }
    try pairs.withUnsafeBufferPointer { try writer.write($0) }
  }

  func finish() throws { try writer.finish() }
}

extension SparseCoder {
  /// Rows coded at once, about 16 MB of them: whole tasks, at least one of the smaller kind.
  private var capacity: Int {
    let fit = min(16384, (16 << 20) / (4 * (dictionary.width + dictionary.count)))
    return fit >= 512 ? fit / 512 * 512 : 32
  }

  /// Codes a whole stream, row by row, to `sink`, which is the caller's to finish. Memory does not
  /// grow with the rows.
  ///
  /// - Parameter report: called after each block with the rows done so far.
  /// - Throws: `SparseError.wrongWidth`, `StreamError` for values that are not finite.
  public func stream(
    _ reader: TensorReader, to sink: ByteSink, format: CodeFormat = .dense,
    until stop: () -> Bool = { false }, report: (_ rows: Int) -> Void = { _ in }
  ) throws {
    try require(width: reader.rowSize, of: reader.name)
    let writer = try CodeWriter(
      sink, format: format, atoms: dictionary.count, rows: reader.declaredRows)
    // The buffers of a stream that is short stay small: their pages are touched as rows arrive.
    let rows = RowBatch()
    let codes = try AlignedBuffer<Float>(count: capacity * dictionary.count)
    var done = 0
    while !stop(), try rows.fill(from: reader, maxRows: capacity) {
      guard let base = rows.values.baseAddress else { break }
      encode(base, count: rows.rows, into: codes.base)
      try writer.write(
        UnsafeBufferPointer(start: codes.base, count: rows.rows * dictionary.count))
      done += rows.rows
      report(done)
    }
    if !stop() { try writer.finish() }
  }

  /// The same of rows that are held.
  public func stream(
    _ rows: RowStore, to sink: ByteSink, format: CodeFormat = .dense,
    until stop: () -> Bool = { false }, report: (_ rows: Int) -> Void = { _ in }
  ) throws {
    try require(width: rows.rowSize, of: rows.name)
    let writer = try CodeWriter(sink, format: format, atoms: dictionary.count, rows: rows.rows)
    let size = min(capacity, max(rows.rows, 1))
    let block = try AlignedBuffer<Float>(count: size * dictionary.width)
    let codes = try AlignedBuffer<Float>(count: size * dictionary.count)
    for first in Swift.stride(from: 0, to: rows.rows, by: size) where !stop() {
      let count = min(size, rows.rows - first)
      for row in 0..<count {
        rows.copy(row: first + row, into: block.base + row * dictionary.width)
      }
      encode(block.base, count: count, into: codes.base)
      try writer.write(UnsafeBufferPointer(start: codes.base, count: count * dictionary.count))
      report(first + count)
    }
    if !stop() { try writer.finish() }
  }

  private func require(width: Int, of source: String) throws {
    guard width == dictionary.width else {
      throw SparseError.wrongWidth(source: source, expected: dictionary.width, got: width)
    }
  }
}
