import CKernels

/// Row-major working memory of a layer: activations or their gradients, one row an example.
package final class Matrix: @unchecked Sendable {
  package let rows: Int
  package let width: Int
  package let precision: Precision
  private let storage: AlignedBuffer<UInt8>

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

  package var isBF16: Int32 { precision == .bf16 ? 1 : 0 }
}
