import CKernels

/// The three products of an affine map. A run is on one thread.
protocol AffineProducts: AnyObject {
  /// Elements of a weight's gradient in one task, about.
  var gradientBlock: Int { get }

  /// y = x · Wᵀ + b for a block of rows, rectified where the map is.
  func forward(_ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, worker: Int)

  /// Makes ready for `backward`.
  func prepareBackward() throws

  /// dx = dy · W for a block of rows, in f32.
  func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int)

  /// What computes rows `rows` of dW = dyᵀ · x over the whole batch.
  func gradient(rows: Range<Int>, x: Matrix, dy: Matrix) throws -> WeightGradient
}

/// Writes rows of dW in f32.
typealias WeightGradient = (_ gradient: UnsafeMutablePointer<Float>, _ worker: Int) -> Void

/// What an affine map is made of.
struct AffineShape {
  let inputs: Int
  let outputs: Int
  let relu: Bool
  let precision: Precision
  let output: Precision
  /// Rows in a block.
  let block: Int
  let workers: Int
  let store: ParameterStore
  let weight: Int
  /// nil for y = x · Wᵀ.
  let bias: Int?

  var biasValues: UnsafePointer<Float>? { bias.map { UnsafePointer(store.values.base + $0) } }
}

extension AffineShape {
  /// - Parameter packed: whether to multiply from packed weights, and not by oneDNN; nil is what is
  ///   faster.
  func products(packed: Bool? = nil) throws -> any AffineProducts {
    packed ?? (PackedMatmul.isAvailable(precision) && !isSmallForTiles)
      ? try PackedProducts(self) : try OneDNNProducts(self)
  }

  /// Whether oneDNN takes other instructions than tiles for such products: its sums would differ in
  /// their last bits, and models train to the same bytes in every version. With 63 terms, though, it
  /// has a kernel of illegal instructions (2.6).
  private var isSmallForTiles: Bool {
    precision == .bf16 && PackedMatmul.usesTiles
      && (min(inputs, outputs) < 32 || block < 9 && inputs != 63 && outputs != 63)
  }

  /// The same of the gradient, a sum over so many rows.
  fileprivate func isSmallForTiles(rows: Int) -> Bool {
    precision == .bf16 && PackedMatmul.usesTiles && rows <= 16
  }
}

/// Multiplies by oneDNN, from row-major matrices.
final class OneDNNProducts: AffineProducts {
  private let shape: AffineShape
  private let forwardMatmul: Matmul
  private var backwardMatmul: Matmul?
  private var gradientMatmuls: [Int: Matmul] = [:]

  /// A gradient that stays in a second-level cache until the update.
  let gradientBlock = 80_000

  init(_ shape: AffineShape) throws {
    self.shape = shape
    if shape.precision == .bf16 { try shape.store.refreshCopy() }
    forwardMatmul = try Matmul(
      m: shape.block, n: shape.outputs, k: shape.inputs, a: .init(row: shape.inputs),
      b: .transposed(row: shape.inputs), c: shape.outputs, input: shape.precision,
      output: shape.output, bias: shape.bias != nil, relu: shape.relu, workers: shape.workers)
  }

  private var weight: UnsafeRawPointer { shape.store.pointer(shape.weight, shape.precision) }

  func forward(_ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, worker: Int) {
    forwardMatmul.run(a: x, b: weight, c: y, bias: shape.biasValues, worker: worker)
  }

  func prepareBackward() throws {
    backwardMatmul = try Matmul(
      m: shape.block, n: shape.inputs, k: shape.outputs, a: .init(row: shape.outputs),
      b: .init(row: shape.inputs), c: shape.inputs, input: shape.precision,
      workers: shape.workers)
  }

  func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int) {
    backwardMatmul?.run(a: dy, b: weight, c: dx, worker: worker)
  }

  func gradient(rows: Range<Int>, x: Matrix, dy: Matrix) throws -> WeightGradient {
    let matmul =
      try gradientMatmuls[rows.count]
      ?? Matmul(
        m: rows.count, n: shape.inputs, k: x.rows, a: .transposed(row: shape.outputs),
        b: .init(row: shape.inputs), c: shape.inputs, input: shape.precision,
        workers: shape.workers)
    gradientMatmuls[rows.count] = matmul
    let first = rows.lowerBound * shape.precision.size
    return { matmul.run(a: dy[0] + first, b: x[0], c: $0, worker: $1) }
  }
}

/// Multiplies from packed weights; needs AVX-512 (bf16: AVX512-BF16).
final class PackedProducts: AffineProducts {
  private let shape: AffineShape
  private let forwardWeight: PackedWeight
  private let forwardMatmul: PackedMatmul
  private var backwardWeight: PackedWeight?
  private var backwardMatmul: PackedMatmul?
  private var gradientMatmuls: [Int: PackedMatmul] = [:]
  /// For gradients that are small for tiles.
  private var smallProducts: OneDNNProducts?

  let gradientBlock = 25_000

  init(_ shape: AffineShape) throws {
    self.shape = shape
    forwardWeight = try Self.weight(shape, for: .forward)
    forwardMatmul = try PackedMatmul(
      m: shape.block, by: forwardWeight, output: shape.output, relu: shape.relu,
      workers: shape.workers)
  }

  private static func weight(_ shape: AffineShape, for use: PackedWeight.Use) throws
    -> PackedWeight
  {
    try shape.store.packed(
      shape.weight, rows: shape.outputs, columns: shape.inputs, for: use, shape.precision)
  }

  func forward(_ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, worker: Int) {
    forwardMatmul.run(a: x, b: forwardWeight.base, c: y, bias: shape.biasValues, worker: worker)
  }

  func prepareBackward() throws {
    let weight = try Self.weight(shape, for: .backward)
    backwardWeight = weight
    backwardMatmul = try PackedMatmul(m: shape.block, by: weight, workers: shape.workers)
  }

  func backward(_ dy: UnsafeRawPointer, into dx: UnsafeMutableRawPointer, worker: Int) {
    guard let backwardWeight else { return }
    backwardMatmul?.run(a: dy, b: backwardWeight.base, c: dx, worker: worker)
  }

  func gradient(rows: Range<Int>, x: Matrix, dy: Matrix) throws -> WeightGradient {
    if shape.isSmallForTiles(rows: x.rows) {
      let products = try smallProducts ?? OneDNNProducts(shape)
      smallProducts = products
      return try products.gradient(rows: rows, x: x, dy: dy)
    }
    let ((base, x), (delta, dy)) = (try x.rowSums(), try dy.rowSums())
    let matmul =
      try gradientMatmuls[rows.count]
      ?? PackedMatmul(m: rows.count, transposed: dy, by: x, workers: shape.workers)
    gradientMatmuls[rows.count] = matmul
    let columns = delta + 4 * rows.lowerBound
    return { matmul.run(a: columns, b: base, c: $0, worker: $1) }
  }
}
