import CKernels
import Testing
import VAECore

/// oneDNN's multiplication in each layout the layers use, against the naive one in Double.
struct MatmulTests {
  struct Layout: Sendable, CustomTestStringConvertible {
    let m: Int
    let n: Int
    let k: Int
    var transposedA = false
    var transposedB = false
    var bias = false
    var relu = false
    /// Columns between the end of a row of A or C and the next row.
    var gap = 0
    var testDescription: String {
      "\(m)×\(k)·\(k)×\(n)" + (transposedA ? " Aᵀ" : "") + (transposedB ? " Bᵀ" : "")
        + (relu ? " relu" : "") + (gap > 0 ? " gap" : "")
    }
  }

  static let layouts = [(1, 1, 1), (3, 17, 33), (64, 40, 257), (15, 784, 16), (33, 1, 128)]
    .flatMap { m, n, k in
      [
        Layout(m: m, n: n, k: k, transposedB: true, bias: true, relu: true),
        Layout(m: m, n: n, k: k, transposedB: true, bias: true),
        Layout(m: m, n: n, k: k),
        Layout(m: m, n: n, k: k, transposedA: true, gap: 5),
      ]
    }

  @Test(arguments: layouts, [Precision.f32, .bf16])
  func productsAreTheSums(_ layout: Layout, input: Precision) throws {
    guard input == .f32 || Self.hasBF16 else { return }
    for output in input == .f32 ? [Precision.f32] : [.f32, .bf16] {
      try check(layout, input: input, output: output)
    }
  }

  private func check(_ layout: Layout, input: Precision, output: Precision) throws {
    let (m, n, k, gap) = (layout.m, layout.n, layout.k, layout.gap)
    let aRow = (layout.transposedA ? m : k) + gap
    let a = rounded(KernelTests.values((layout.transposedA ? k : m) * aRow, scale: 1), input)
    let b = rounded(KernelTests.values(k * n + 3, scale: 1).suffix(k * n).map { $0 }, input)
    let bias = KernelTests.values(n + 1, scale: 1).suffix(n).map { $0 }
    let cRow = n + gap
    let matmul = try Matmul(
      m: m, n: n, k: k, a: layout.transposedA ? .transposed(row: aRow) : .init(row: aRow),
      b: layout.transposedB ? .transposed(row: k) : .init(row: n), c: cRow, input: input,
      output: output, bias: layout.bias, relu: layout.relu, workers: 2)
    var wide = [Float](repeating: 9, count: m * cRow)
    var narrow = [UInt16](repeating: 0x4110, count: m * cRow)  // 9 in bf16
    let (packedA, packedB) = (packed(a), packed(b))
    withUnsafe(input == .bf16 ? packedA : [], or: a) { a in
      withUnsafe(input == .bf16 ? packedB : [], or: b) { b in
        if output == .f32 {
          matmul.run(a: a, b: b, c: &wide, bias: layout.bias ? bias : nil, worker: 1)
        } else {
          matmul.run(a: a, b: b, c: &narrow, bias: layout.bias ? bias : nil, worker: 1)
        }
      }
    }
    let c = output == .f32 ? wide : numbers(narrow)
    var expected: [Bounded] = []
    for i in 0..<m {
      for j in 0..<n {
        let terms =
          (0..<k).map { l in
            Double(a[layout.transposedA ? l * aRow + i : i * aRow + l])
              * Double(b[layout.transposedB ? j * k + l : l * n + j])
          } + (layout.bias ? [Double(bias[j])] : [])
        // One rounding a term, in whatever order.
        var sum = Bounded.sum(terms, roundings: Double(k) + 2)
        if layout.relu { sum.value = max(sum.value, 0) }
        expected.append(sum)
      }
    }
    let inside = c.indices.filter { $0 % cRow < n }.map { c[$0] }
    expectWithin(inside, output == .f32 ? expected : expected.asBF16, "C")
    #expect(c.indices.allSatisfy { $0 % cRow < n || c[$0] == 9 }, "between the rows")
  }

  @Test func whatIsNotANumberStaysSoAndInItsRow() throws {
    let matmul = try Matmul(
      m: 2, n: 16, k: 3, a: .init(row: 3), b: .init(row: 16), c: 16, input: .f32, bias: true,
      workers: 1)
    var c = [Float](repeating: 0, count: 32)
    let b = [Float](repeating: 1, count: 48)
    matmul.run(
      a: [1, .nan, 1, 1, 1, 1] as [Float], b: b, c: &c, bias: [Float](repeating: 0, count: 16),
      worker: 0)
    #expect(c[..<16].allSatisfy { $0.isNaN })
    #expect(c[16...].allSatisfy { $0 == 3 })
  }

  static let hasBF16 =
    (try? Matmul(
      m: 1, n: 1, k: 1, a: .init(row: 1), b: .init(row: 1), c: 1, input: .bf16, workers: 1)) != nil

  private func rounded(_ x: [Float], _ precision: Precision) -> [Float] {
    precision == .f32 ? x : numbers(packed(x))
  }

  private func packed(_ x: [Float]) -> [UInt16] {
    var bits = [UInt16](repeating: 0, count: x.count)
    vt_bf16_from_f32(&bits, x, x.count)
    return bits
  }

  private func withUnsafe(
    _ packed: [UInt16], or floats: [Float], _ body: (UnsafeRawPointer) -> Void
  ) {
    if packed.isEmpty {
      floats.withUnsafeBytes { $0.baseAddress.map(body) ?? () }
    } else {
      packed.withUnsafeBytes { $0.baseAddress.map(body) ?? () }
    }
  }
}
