import COneDNN

/// One matrix multiplication of a fixed shape, C[m, n] = A[m, k] · B[k, n] (+ C) (+ bias) (rectified),
/// made once and run many times, by any worker, without allocating. Each run is single-threaded.
package final class Matmul {
  /// Where a matrix lies in memory: element (i, j) at i · `row` + j · `column`.
  package struct Strides {
    package let row: Int
    package let column: Int
    package init(row: Int, column: Int = 1) {
      self.row = row
      self.column = column
    }
    /// The transpose of a row-major matrix whose rows are `row` elements apart.
    package static func transposed(row: Int) -> Strides { Strides(row: 1, column: row) }
  }

  private let handle: OpaquePointer
  private let scratch: [AlignedBuffer<UInt8>]

  /// - Parameters:
  ///   - input: the type of A and B.
  ///   - adds: whether the product is added to C.
  ///   - output: the type of C, whose rows are `c` elements apart.
  ///   - workers: how many workers may run it at once.
  /// - Throws: `ComputeError`.
  package init(
    m: Int, n: Int, k: Int, a: Strides, b: Strides, c: Int, input: Precision,
    output: Precision = .f32, adds: Bool = false, bias: Bool = false, relu: Bool = false,
    workers: Int
  ) throws {
    let shape = vt_matmul_shape(
      m: Int64(m), n: Int64(n), k: Int64(k), a_row: Int64(a.row), a_column: Int64(a.column),
      b_row: Int64(b.row), b_column: Int64(b.column), c_row: Int64(c),
      bf16_inputs: input == .bf16 ? 1 : 0, bf16_output: output == .bf16 ? 1 : 0,
      add: adds ? 1 : 0, bias: bias ? 1 : 0, relu: relu ? 1 : 0)
    if let reason = vt_dnnl_load() {
      throw ComputeError.noLibrary(name: "oneDNN", reason: String(cString: reason))
    }
    guard vt_dnnl_has_room() != 0 else {
      throw ComputeError.outOfMemory(bytes: Int(VT_DNNL_ROOM))
    }
    guard let handle = vt_matmul_create(shape, Int32(workers)) else {
      throw ComputeError.unsupportedMatmul(m: m, n: n, k: k, precision: input)
    }
    self.handle = handle
    do {
      let size = vt_matmul_scratch_size(handle)
      scratch = try (0..<workers).map { _ in try AlignedBuffer(count: size) }
    } catch {
      vt_matmul_destroy(handle)
      throw error
    }
  }

  deinit { vt_matmul_destroy(handle) }

  /// Multiplies, on the calling thread, which is `worker`.
  package func run(
    a: UnsafeRawPointer, b: UnsafeRawPointer, c: UnsafeMutableRawPointer,
    bias: UnsafeRawPointer? = nil, worker: Int
  ) {
    let done = vt_matmul_run(handle, Int32(worker), a, b, c, bias, scratch[worker].base)
    precondition(done != 0, "oneDNN could not multiply")
  }
}
