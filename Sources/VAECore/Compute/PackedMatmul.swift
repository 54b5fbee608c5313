import CKernels

/// One matrix multiplication of a fixed shape, as `Matmul` is, from operands that already lie as
/// the processor reads them: faster where `isAvailable`. Terms that are 0 in a whole tile, as the
/// margins of images are, cost nothing.
package final class PackedMatmul {
  /// Whether this processor has the instructions.
  package static func isAvailable(_ precision: Precision) -> Bool {
    vt_best_products(precision == .bf16 ? 1 : 0) != vt_no_products
  }

  /// Whether products of bf16 are by tiles.
  package static var usesTiles: Bool { vt_best_products(1) == vt_by_tiles }

  private let shape: vt_product_shape
  private let scratch: [AlignedBuffer<UInt32>]

  private init(_ shape: vt_product_shape, tiles: Bool, workers: Int) throws {
    var shape = shape
    shape.tiles = tiles && shape.bf16 == 1 ? 1 : 0
    self.shape = shape
    let count = withUnsafePointer(to: shape) { vt_product_scratch($0) }
    scratch = try (0..<workers).map { _ in try AlignedBuffer(count: count) }
  }

  /// C[m, n] = A[m, k] · `weight` (+ bias) (rectified), A and C row-major.
  ///
  /// - Parameters:
  ///   - tiles: whether bf16 is multiplied by tiles, where the processor has them.
  ///   - workers: how many workers may run it at once.
  /// - Throws: `ComputeError.outOfMemory`.
  package convenience init(
    m: Int, by weight: PackedWeight, output: Precision = .f32, relu: Bool = false,
    tiles: Bool = usesTiles, workers: Int
  ) throws {
    try self.init(
      vt_product_shape(
        m: m, n: weight.outputs, k: weight.inputs, a_row: weight.inputs * weight.precision.size,
        a_word: 4, b_word: 64, b_vector: 64 * weight.words, c_row: weight.outputs, b_used: nil,
        bf16: weight.precision == .bf16 ? 1 : 0, bf16_output: output == .bf16 ? 1 : 0,
        relu: relu ? 1 : 0, add: 0, tiles: 0),
      tiles: tiles, workers: workers)
  }

  /// C[m, n] = Aᵀ · B (+ C), f32, from A and B with as many rows. A's columns may be some of a wider
  /// matrix's.
  ///
  /// - Throws: `ComputeError.outOfMemory`.
  package convenience init(
    m: Int, transposed a: RowSums, by b: RowSums, adds: Bool = false,
    tiles: Bool = usesTiles, workers: Int
  ) throws {
    try self.init(
      vt_product_shape(
        m: m, n: b.width, k: b.terms, a_row: 4, a_word: 4 * a.width, b_word: 4 * b.width,
        b_vector: 64, c_row: b.width, b_used: b.used.map { UnsafePointer($0.base) },
        bf16: b.precision == .bf16 ? 1 : 0, bf16_output: 0, relu: 0,
        add: adds ? 1 : 0, tiles: 0),
      tiles: tiles, workers: workers)
  }

  /// Multiplies, on the calling thread, which is `worker`.
  package func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    bias: UnsafePointer<Float>? = nil, worker: Int
  ) {
    withUnsafePointer(to: shape) { vt_product($0, c, a, b, bias, scratch[worker].base) }
  }
}

/// A matrix as products that sum over its rows read it: words of 32 bits, row-major; with bf16, of
/// two rows side by side.
package struct RowSums {
  package let width: Int
  /// Rows, with bf16 an even number.
  package let terms: Int
  package let precision: Precision
  /// Which words are not 0, as `vt_pair_rows` marks them; nil where they are not marked.
  package let used: AlignedBuffer<UInt16>?

  /// Of an f32 matrix.
  package init(width: Int, terms: Int) {
    (self.width, self.terms, precision, used) = (width, terms, .f32, nil)
  }

  fileprivate init(used: AlignedBuffer<UInt16>?, width: Int, terms: Int) {
    (self.width, self.terms, precision, self.used) = (width, terms, .bf16, used)
  }
}

/// A copy of a bf16 matrix [rows, width] with two rows side by side.
package final class RowPairs {
  private let rows: Int
  private let width: Int
  private let values: AlignedBuffer<UInt16>
  /// Tiles pass over no words.
  private let used: AlignedBuffer<UInt16>?

  /// - Throws: `ComputeError.outOfMemory`.
  package init(rows: Int, width: Int) throws {
    self.rows = rows
    self.width = width
    // Products read whole vectors.
    values = try AlignedBuffer(count: (rows + rows % 2) * width + 32)
    used =
      PackedMatmul.usesTiles
      ? nil : try AlignedBuffer(count: (width + 15) / 16 * ((rows + 31) / 32))
  }

  package var base: UnsafePointer<UInt16> { UnsafePointer(values.base) }
  package var shape: RowSums { RowSums(used: used, width: width, terms: rows + rows % 2) }

  /// Takes some rows of the matrix at `x`, which is all of it; the first is a multiple of 32.
  package func fill(from x: UnsafeRawPointer, _ some: Range<Int>) {
    vt_pair_rows(
      values.base, used?.base, x.assumingMemoryBound(to: UInt16.self), rows, width,
      some.lowerBound, some.count)
  }
}

/// A copy of a weight matrix W [rows, columns], laid out for one kind of product.
package final class PackedWeight {
  package enum Use: Sendable {
    /// y = x · Wᵀ
    case forward
    /// dx = dy · W
    case backward
  }

  /// Rows that are packed together: parts that different workers pack begin at multiples of it.
  package static let rowsTogether = 16

  package let rows: Int
  package let columns: Int
  package let use: Use
  package let precision: Precision
  private let storage: AlignedBuffer<UInt32>

  /// - Throws: `ComputeError.outOfMemory`.
  package init(rows: Int, columns: Int, use: Use, precision: Precision) throws {
    self.rows = rows
    self.columns = columns
    self.use = use
    self.precision = precision
    let (inputs, outputs) = use == .forward ? (columns, rows) : (rows, columns)
    let lanes = Int(VT_LANES)
    words = precision == .bf16 ? (inputs + 1) / 2 : inputs
    storage = try AlignedBuffer(count: words * ((outputs + lanes - 1) / lanes * lanes))
  }

  var inputs: Int { use == .forward ? columns : rows }
  var outputs: Int { use == .forward ? rows : columns }
  /// 32-bit words along the summed dimension.
  let words: Int
  package var base: UnsafeRawPointer { UnsafeRawPointer(storage.base) }

  /// Takes `some` rows of `w`, which is all of W. They begin at a multiple of `rowsTogether`.
  package func pack(_ w: UnsafePointer<Float>, rows some: Range<Int>) {
    let pack = use == .forward ? vt_pack_transposed : vt_pack_plain
    pack(
      storage.base, precision == .bf16 ? 1 : 0, w, rows, columns, some.lowerBound, some.count)
  }
}
