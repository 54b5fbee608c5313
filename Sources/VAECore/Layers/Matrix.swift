import CKernels

/// Row-major working memory of a layer: activations or their gradients, one row an example.
package final class Matrix: @unchecked Sendable {
  package let rows: Int
  package let width: Int
  package let precision: Precision
  private let storage: AlignedBuffer<UInt8>
  private var pairs: AlignedBuffer<UInt16>?

  /// - Throws: `ComputeError.outOfMemory`.
  package init(rows: Int, width: Int, precision: Precision = .f32) throws {
    self.rows = rows
    self.width = width
    self.precision = precision
    storage = try AlignedBuffer(count: rows * width * precision.size)
  }

  package subscript(row: Int) -> UnsafeMutableRawPointer {
    UnsafeMutableRawPointer(storage.base + row * width * precision.size)
  }

  /// Row `row` of an f32 matrix.
  package func floats(_ row: Int) -> UnsafeMutablePointer<Float> {
    self[row].assumingMemoryBound(to: Float.self)
  }

  package func clear(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    self[range.lowerBound].initializeMemory(
      as: UInt8.self, repeating: 0, count: range.count * width * precision.size)
  }

  /// Stores `rows` rows of f32 values from `row` on.
  package func store(_ values: UnsafePointer<Float>, row: Int, rows: Int) {
    if precision == .bf16 {
      vt_bf16_from_f32(self[row].assumingMemoryBound(to: UInt16.self), values, rows * width)
    } else {
      floats(row).update(from: values, count: rows * width)
    }
  }

  /// Neighbouring rows side by side, for products that sum over rows (vt_pairs.h); `pairRows` keeps
  /// them up to date.
  struct Pairs {
    let base: UnsafePointer<UInt16>
    let rows: Int
  }

  var hasPairs: Bool { pairs != nil }

  /// - Throws: `ComputeError.outOfMemory`.
  func makePairs() throws -> Pairs {
    // Whole vectors are read, so the last may reach past the end.
    let pairs = try self.pairs ?? AlignedBuffer(count: (rows + rows % 2) * width + 32)
    self.pairs = pairs
    return Pairs(base: pairs.base, rows: rows)
  }

  /// Pairs rows anew; the first is even.
  package func pairRows(_ range: Range<Int>) {
    guard let pairs else { return }
    vt_pair_rows(
      pairs.base + range.lowerBound * width,
      self[range.lowerBound].assumingMemoryBound(to: UInt16.self), range.count, width)
  }

  package var isBF16: Int32 { precision == .bf16 ? 1 : 0 }
}
