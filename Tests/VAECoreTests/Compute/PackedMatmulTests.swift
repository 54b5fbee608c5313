import CKernels
import Testing
import VAECore

/// Products from packed weights against the naive ones in Double. `DenseTests` has those that sum
/// over rows.
struct PackedMatmulTests {
  /// Every number of rows and vectors that a tile may have, odd sums, and rows of zeros.
  static let shapes = [
    (1, 1, 1), (2, 15, 2), (3, 16, 33), (4, 17, 7), (5, 33, 64), (6, 48, 31), (7, 65, 5),
    (8, 100, 20), (23, 130, 129), (33, 64, 64), (48, 16, 32), (20, 40, 63),
  ]

  @Test(arguments: shapes, [Precision.f32, .bf16])
  func productsAreTheSums(_ shape: (Int, Int, Int), _ precision: Precision) throws {
    guard PackedMatmul.isAvailable(precision) else { return }
    let (m, n, k) = shape
    for use in [PackedWeight.Use.forward, .backward] {
      let (rows, columns) = use == .forward ? (n, k) : (k, n)
      let w = KernelTests.values(n * k, scale: 1)
      let weight = try PackedWeight(rows: rows, columns: columns, use: use, precision: precision)
      weight.pack(w, rows: 0..<min(16, rows))
      if rows > 16 { weight.pack(w, rows: 16..<rows) }
      let a = try Matrix(rows: m, width: k, precision: precision)
      var x = rounded(KernelTests.values(m * k, scale: 1), precision)
      // Columns that are zero in all rows, and negative zeros.
      for i in x.indices where i % k % 3 == 1 || i % 5 == 0 { x[i] = i % 2 == 0 ? 0 : -0.0 }
      a.store(x, row: 0, rows: m)
      let bias = KernelTests.values(n, scale: 1)
      let exact = rounded(w, precision)
      for (output, relu, tiles) in [
        (Precision.f32, false, true), (.f32, true, true), (precision, true, true),
        (.f32, true, false), (precision, false, false),
      ] {
        let product = try PackedMatmul(
          m: m, by: weight, output: output, relu: relu, tiles: tiles && PackedMatmul.usesTiles,
          workers: 1)
        let c = try Matrix(rows: m, width: n, precision: output)
        product.run(a: a[0], b: weight.base, c: c[0], bias: bias, worker: 0)
        let expected = (0..<m * n).map { at in
          let (i, j) = (at / n, at % n)
          let terms = (0..<k).map { l in
            Double(x[i * k + l]) * Double(exact[use == .forward ? j * k + l : l * n + j])
          }
          var sum = Bounded.sum(terms + [Double(bias[j])], roundings: Double(k) + 2)
          if relu { sum.value = max(sum.value, 0) }
          return sum
        }
        expectWithin(
          values(c), output == .f32 ? expected : expected.asBF16,
          "\(use) relu \(relu) tiles \(tiles) \(output)")
      }
    }
  }

  /// A rectifier, too, passes on what is not a number, and only in its own row.
  @Test(arguments: [Precision.f32, .bf16])
  func aNaNStaysInItsRow(_ precision: Precision) throws {
    guard PackedMatmul.isAvailable(precision) else { return }
    let (m, n, k) = (9, 20, 7)
    let weight = try PackedWeight(rows: n, columns: k, use: .forward, precision: precision)
    weight.pack([Float](repeating: -1, count: n * k), rows: 0..<n)
    let a = try Matrix(rows: m, width: k, precision: precision)
    var x = [Float](repeating: 1, count: m * k)
    x[4 * k] = .nan
    a.store(x, row: 0, rows: m)
    let c = try Matrix(rows: m, width: n)
    let product = try PackedMatmul(m: m, by: weight, relu: true, workers: 1)
    product.run(a: a[0], b: weight.base, c: c[0], worker: 0)
    for (at, value) in values(c).enumerated() {
      #expect(at / n == 4 ? value.isNaN : value == 0, "\(at)")
    }
  }

  private func rounded(_ x: [Float], _ precision: Precision) -> [Float] {
    guard precision == .bf16 else { return x }
    var packed = [UInt16](repeating: 0, count: x.count)
    vt_bf16_from_f32(&packed, x, x.count)
    return numbers(packed)
  }

  private func values(_ matrix: Matrix) -> [Float] {
    let count = matrix.rows * matrix.width
    guard matrix.precision == .bf16 else {
      return Array(UnsafeBufferPointer(start: matrix.floats(0), count: count))
    }
    let packed = UnsafeBufferPointer(
      start: matrix[0].assumingMemoryBound(to: UInt16.self), count: count)
    return numbers(Array(packed))
  }
}
