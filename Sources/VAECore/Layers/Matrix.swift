import CKernels

/// Row-major working memory of a layer: activations or their gradients, one row an example.
public final class Matrix {
  public let rows: Int
  public let width: Int
  public let precision: Precision
  private let storage: AlignedBuffer<UInt8>
  private var pairs: RowPairs?

  /// Bytes behind the last row: products read whole vectors.
  private static let slack = 64

  /// - Throws: `ComputeError.outOfMemory`.
  public init(rows: Int, width: Int, precision: Precision = .f32) throws {
    self.rows = rows
    self.width = width
    self.precision = precision
    storage = try AlignedBuffer(count: rows * width * precision.size + Self.slack)
  }

  /// The address of row `row`, of `precision`. Valid while the matrix lives.
  public subscript(row: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(storage.base + row * width * precision.size)
  }

  /// Row `row` of an f32 matrix. Valid while the matrix lives.
  public func floats(_ row: Int) -> UnsafeMutablePointer<Float> {
    self[row].assumingMemoryBound(to: Float.self)
  }

  /// Sets rows to zero.
  public func clear(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    self[range.lowerBound].initializeMemory(
      as: UInt8.self, repeating: 0, count: range.count * width * precision.size)
  }

  /// Stores `rows` rows of f32 values from `row` on.
  public func store(_ values: UnsafePointer<Float>, row: Int, rows: Int) {
    if precision == .bf16 {
      vt_bf16_from_f32(self[row].assumingMemoryBound(to: UInt16.self), values, rows * width)
    } else {
      floats(row).update(from: values, count: rows * width)
    }
  }

  /// The matrix for packed products that sum over its rows, and where it lies. In bf16 that is a
  /// copy, two rows side by side, that `pairRows` brings up to date.
  ///
  /// - Throws: `ComputeError.outOfMemory`.
  func rowSums() throws -> (base: UnsafeRawPointer, shape: RowSums) {
    guard precision == .bf16 else {
      return (UnsafeRawPointer(self[0]), RowSums(width: width, terms: rows))
    }
    let pairs = try self.pairs ?? RowPairs(rows: rows, width: width)
    self.pairs = pairs
    return (UnsafeRawPointer(pairs.base), pairs.shape)
  }

  var hasPairs: Bool { pairs != nil }

  /// Pairs rows anew; the first is a multiple of 32.
  package func pairRows(_ range: Range<Int>) { pairs?.fill(from: self[0], range) }

  /// 1 where the values are bf16, else 0; as kernels take it.
  public var isBF16: Int32 { precision == .bf16 ? 1 : 0 }
}
