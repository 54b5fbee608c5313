import CKernels

/// One product of bf16 matrices of a fixed shape by the processor's instruction for pairs: what
/// `Matmul` is, faster where `isAvailable`, from operands that are laid out for it. Terms that are
/// 0 in a whole tile, as the margins of images are, cost nothing.
package final class PairMatmul: @unchecked Sendable {
  /// Whether this processor has the instruction, and nothing faster.
  package static let isAvailable = vt_has_pairs() != 0

  private let shape: vt_pair_shape
  private let scratch: [AlignedBuffer<UInt32>]

  /// - Parameter workers: how many workers may run it at once.
  /// - Throws: `ComputeError.outOfMemory`.
  private init(_ shape: vt_pair_shape, workers: Int) throws {
    self.shape = shape
    let count = withUnsafePointer(to: shape) { vt_pair_scratch($0) }
    scratch = try (0..<workers).map { _ in try AlignedBuffer(count: count) }
  }

  /// C[m, n] = A[m, k] · `weight` (+ bias) (rectified), A and C row-major.
  package convenience init(
    m: Int, by weight: PackedWeight, output: Precision = .f32, relu: Bool = false, workers: Int
  ) throws {
    try self.init(
      vt_pair_shape(
        m: m, n: weight.outputs, k: weight.inputs, a_row: weight.inputs, a_pair: 2, b_pair: 32,
        b_vector: weight.vectorStride, c_row: weight.outputs, b_used: nil,
        bf16_output: output == .bf16 ? 1 : 0, relu: relu ? 1 : 0),
      workers: workers)
  }

  /// C[m, n] = Aᵀ · B, f32, from pair rows of A, `a` elements wide, and of B, `n` wide; sums over
  /// `rows`. Terms of B that are not marked in `used` are 0.
  package convenience init(
    m: Int, n: Int, rows: Int, a: Int, used: UnsafePointer<UInt16>, workers: Int
  ) throws {
    try self.init(
      vt_pair_shape(
        m: m, n: n, k: rows + rows % 2, a_row: 2, a_pair: 2 * a, b_pair: 2 * n, b_vector: 32,
        c_row: n, b_used: used, bf16_output: 0, relu: 0),
      workers: workers)
  }

  /// Multiplies, on the calling thread, which is `worker`.
  package func run(
    a: UnsafeRawPointer, b: UnsafePointer<UInt16>, c: UnsafeMutableRawPointer,
    bias: UnsafePointer<Float>? = nil, worker: Int
  ) {
    withUnsafePointer(to: shape) {
      vt_pair_multiply(
        $0, c, a.assumingMemoryBound(to: UInt16.self), b, bias, scratch[worker].base)
    }
  }
}

/// A copy of a weight matrix W [rows, columns] in bf16, laid out for one kind of product.
package final class PackedWeight: @unchecked Sendable {
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
  private let storage: AlignedBuffer<UInt16>

  /// - Throws: `ComputeError.outOfMemory`.
  package init(rows: Int, columns: Int, use: Use) throws {
    self.rows = rows
    self.columns = columns
    self.use = use
    let (inputs, outputs) = use == .forward ? (columns, rows) : (rows, columns)
    let width = Int(VT_PAIR_WIDTH)
    storage = try AlignedBuffer(
      count: (inputs + 1) / 2 * 2 * ((outputs + width - 1) / width * width))
  }

  var inputs: Int { use == .forward ? columns : rows }
  var outputs: Int { use == .forward ? rows : columns }
  var vectorStride: Int { (inputs + 1) / 2 * 2 * Int(VT_PAIR_WIDTH) }
  package var base: UnsafePointer<UInt16> { UnsafePointer(storage.base) }

  /// Takes `some` rows of `w`, which is all of W. They begin at a multiple of `rowsTogether`.
  package func pack(_ w: UnsafePointer<Float>, rows some: Range<Int>) {
    switch use {
    case .forward:
      vt_pack_transposed(storage.base, w, rows, columns, some.lowerBound, some.count)
    case .backward:
      vt_pack_plain(storage.base, w, rows, columns, some.lowerBound, some.count)
    }
  }
}
