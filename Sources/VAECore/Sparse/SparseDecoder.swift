import CKernels

/// Rows from codes: aD.
public final class SparseDecoder {
  public let dictionary: SparseDictionary
  private let layout: AtomLayout
  private let pool: WorkerPool

  public init(_ dictionary: SparseDictionary, pool: WorkerPool) throws {
    self.dictionary = dictionary
    self.pool = pool
    layout = try AtomLayout(dictionary, gram: false, pool: pool)
  }

  /// Decodes `count` rows of `dictionary.count` codes into rows of `dictionary.width` values.
  public func decode(
    _ codes: UnsafePointer<Float>, count: Int, into rows: UnsafeMutablePointer<Float>
  ) {
    let (k, d, size) = (dictionary.count, dictionary.width, 64)
    pool.run(tasks: (count + size - 1) / size) { task, _ in
      var kernel = layout.kernel
      let first = task * size
      vt_sparse_decode(
        &kernel, codes + first * k, min(size, count - first), rows + first * d)
    }
  }

  /// Decodes a whole stream of codes, dense or csr, to rows of the dictionary's shape in `sink`,
  /// which is the caller's to finish. Memory does not grow with the rows.
  ///
  /// - Parameter format: nil is csr where rows are pairs and the dictionary has not just two atoms.
  /// - Throws: `SparseError.wrongCodes`, `StreamError`.
  public func stream(_ reader: TensorReader, to sink: ByteSink, format: CodeFormat? = nil) throws {
    let format = format ?? (reader.rowSize == 2 && dictionary.count != 2 ? .csr : .dense)
    let (k, d) = (dictionary.count, dictionary.width)
    let expected = format == .csr ? 2 : k
    guard reader.rowSize == expected else {
      throw SparseError.wrongCodes(source: reader.name, expected: expected, got: reader.rowSize)
    }
    let writer = try TensorWriter(
      sink, type: .f4, rowShape: dictionary.rowShape,
      rows: format == .dense ? reader.declaredRows : nil, continues: true)
    let capacity = max(64, min(16384, (16 << 20) / (4 * (k + d))))
    let codes = CodeReader(reader, format: format, atoms: k)
    let rows = try AlignedBuffer<Float>(count: capacity * d)
    while true {
      let count = try codes.fill(maxRows: capacity)
      guard count > 0 else { break }
      codes.withValues { decode($0, count: count, into: rows.base) }
      try writer.write(UnsafeBufferPointer(start: rows.base, count: count * d))
    }
    try writer.finish()
  }
}

/// Reads rows of codes from a stream of either format.
private final class CodeReader {
  private let reader: TensorReader
  private let format: CodeFormat
  private let atoms: Int
  private let batch = RowBatch()
  private var dense: [Float] = []
  /// Pairs of `batch` that are used up; the row that is being put together.
  private var used = 0
  private var row: [Float]
  private var nonzeros = 0
  private var lastAtom = -1
  private var rowsRead = 0

  init(_ reader: TensorReader, format: CodeFormat, atoms: Int) {
    self.reader = reader
    self.format = format
    self.atoms = atoms
    row = Array(repeating: 0, count: format == .csr ? atoms : 0)
  }

  /// The rows of the last `fill`.
  func withValues(_ body: (UnsafePointer<Float>) -> Void) {
    if format == .dense {
      if let base = batch.values.baseAddress { body(base) }
    } else {
      dense.withUnsafeBufferPointer { if let base = $0.baseAddress { body(base) } }
    }
  }

  func fill(maxRows: Int) throws -> Int {
    guard format == .csr else {
      return try batch.fill(from: reader, maxRows: maxRows, scaleBytes: false) ? batch.rows : 0
    }
    dense.removeAll(keepingCapacity: true)
    var rows = 0
    while rows < maxRows {
      if used == batch.rows {
        used = 0
        guard try batch.fill(from: reader, maxRows: 4096, scaleBytes: false) else { break }
      }
      let (atom, code) = (batch.values[2 * used], batch.values[2 * used + 1])
      used += 1
      if atom == Float(atoms) {
        guard code == Float(nonzeros) else {
          throw broken("a row ends after \(nonzeros) codes, not \(code)")
        }
        dense += row
        rows += 1
        rowsRead += 1
        row = Array(repeating: 0, count: atoms)
        nonzeros = 0
        lastAtom = -1
      } else {
        guard atom >= 0, atom < Float(atoms), let index = Int(exactly: atom) else {
          throw broken("no atom \(atom) among \(atoms)")
        }
        guard index > lastAtom else { throw broken("atom \(index) comes after \(lastAtom)") }
        lastAtom = index
        row[index] = code
        nonzeros += 1
      }
    }
    if rows == 0, nonzeros > 0 { throw broken("the last row has no end") }
    return rows
  }

  private func broken(_ what: String) -> SparseError {
    .brokenCodes(source: reader.name, row: rowsRead, what)
  }
}
