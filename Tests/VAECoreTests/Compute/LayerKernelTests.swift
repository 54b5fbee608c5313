import CKernels
import Foundation
import Testing
import VAECore

/// The kernels of the hidden layers against their twins in Double.
struct LayerKernelTests {
  static let counts = [0, 1, 3, 15, 16, 17, 33, 257]
  static let kinds: [Activation] = Activation.allCases

  @Test(arguments: counts) func rectifierPassesGradientsOfWhatIsPositive(_ n: Int) {
    let activation = KernelTests.values(n, [0, -0.0, 1e-45, -1e-45, .infinity])
    let x = KernelTests.values(n + 7).suffix(n).map { $0 }
    var dx = x
    vt_relu_backward(&dx, activation, 0, n)
    #expect(dx == zip(x, activation).map { $1 > 0 ? $0 : 0 })

    var packed = [UInt16](repeating: 0, count: n)
    vt_bf16_from_f32(&packed, activation, n)
    let rounded = numbers(packed)
    var expected = [UInt16](repeating: 0, count: n)
    vt_bf16_from_f32(&expected, zip(x, rounded).map { $1 > 0 ? $0 : 0 }, n)
    var result = [UInt16](repeating: 9, count: n)
    vt_bf16_from_f32(&result, x, n)
    vt_relu_backward(&result, packed, 1, n)
    #expect(result == expected)
    vt_bf16_from_f32(&result, x, n)
    vt_relu_backward_mixed(&result, rounded, n)
    #expect(result == expected)
  }

  /// The gradient is multiplied, not replaced, and that of zero is the one PyTorch takes.
  @Test(arguments: kinds) func activationsScaleTheGradient(_ kind: Activation) {
    let x: [Float] = [0, 1, -1, 30, -30]
    var once = [Float](repeating: 1, count: x.count)
    kind.backward(&once, x: x, count: x.count)
    var thrice = [Float](repeating: 3, count: x.count)
    kind.backward(&thrice, x: x, count: x.count)
    expectClose(thrice, once.map { 3 * $0 }, relative: 1e-6, absolute: 1e-12, "\(kind)")
    let atZero: [Activation: Float] = [.relu: 0, .tanh: 1, .silu: 0.5, .leakyReLU: 0.01]
    #expect(once[0] == atZero[kind])
  }

  /// A number that is none must reach the loss, which stops the run. The rectifier makes it 0, here
  /// as in oneDNN; it shows in the layer behind, whose weights come from the same step.
  @Test(arguments: kinds.filter { $0 != .relu }) func whatIsNotANumberStaysSo(_ kind: Activation) {
    for count in [1, 16, 19] {
      var y = [Float](repeating: 0, count: count)
      kind.forward([Float](repeating: .nan, count: count), into: &y, count: count)
      #expect(y.allSatisfy { $0.isNaN })
    }
  }

  @Test(arguments: counts) func productSums(_ width: Int) {
    let (x, y) = (
      KernelTests.values(5 * width), KernelTests.values(5 * width + 3).suffix(5 * width)
    )
    let other = Array(y)
    var sums = [Double](repeating: 9, count: 2 * width)
    vt_product_sums(&sums, x, other, 5, width)
    let expected =
      (0..<width).map { c in Bounded.sum((0..<5).map { Double(x[$0 * width + c]) }) }
      + (0..<width).map { c in
        Bounded.sum((0..<5).map { Double(x[$0 * width + c]) * Double(other[$0 * width + c]) })
      }
    // Sums in Double of products that Double holds exactly.
    expectWithin(
      sums, expected.map { Bounded(value: $0.value, bound: $0.bound * 1e-8) }, "sums")
  }

  /// Against sums in Double of what the kernels round once on the way: x̂, and the slope's argument.
  @Test(arguments: counts, [vt_identity, vt_relu, vt_leaky_relu])
  func normalisation(_ width: Int, _ kind: vt_activation_kind) {
    let rows = 3
    let drawn = KernelTests.values(rows * width, [1e4, -1e-20])
    let columns = (0..<6).map { offset in
      Array(KernelTests.values(width + offset, scale: 1).suffix(width))
    }
    let normalised = drawn.indices.map {
      (drawn[$0] - columns[0][$0 % width]) * columns[1][$0 % width]
    }
    let slope: Double = kind == vt_identity ? 1 : kind == vt_relu ? 0 : Double(Float(0.01))
    func each(_ terms: (_ i: Int, _ c: Int) -> [Double]) -> [Bounded] {
      drawn.indices.map { Bounded.sum(terms($0, $0 % width)) }
    }
    let sums = each { i, c in
      [Double(normalised[i]) * Double(columns[2][c]), Double(columns[3][c])]
    }
    withNormal(columns) { by in
      var y = [Float](repeating: 9, count: rows * width)
      vt_normalise(kind, &y, 0, drawn, by, rows, width)
      let factors = sums.map { $0.value > 0 ? 1 : slope }
      expectWithin(
        y, zip(sums, factors).map { Bounded(value: $0.value * $1, bound: $0.bound) }, "y")
      var short = [UInt16](repeating: 9, count: rows * width)
      vt_normalise(kind, &short, 1, drawn, by, rows, width)
      var rounded = [UInt16](repeating: 9, count: rows * width)
      vt_bf16_from_f32(&rounded, y, y.count)
      #expect(short == rounded)

      let gradient = KernelTests.values(rows * width + 9).suffix(rows * width).map { $0 }
      var dy = [Float](repeating: 9, count: rows * width)
      var totals = [Double](repeating: 9, count: 2 * width)
      vt_normalise_sums(kind, &dy, &totals, gradient, drawn, by, rows, width)
      #expect(dy == zip(gradient, y).map { $1 > 0 || kind == vt_identity ? $0 : Float(slope) * $0 })
      var expected = [Double](repeating: 9, count: 2 * width)
      vt_product_sums(&expected, dy, normalised, rows, width)
      #expect(totals == expected)

      var dx = [Float](repeating: 9, count: rows * width)
      vt_normalise_backward(&dx, 0, dy, drawn, by, columns[4], columns[5], rows, width)
      expectWithin(
        dx,
        each { i, c in
          [
            Double(dy[i]), -Double(columns[4][c]), -Double(normalised[i]) * Double(columns[5][c]),
          ].map { $0 * Double(columns[1][c]) * Double(columns[2][c]) }
        }, "dx")
      vt_normalise_backward(&short, 1, dy, drawn, by, columns[4], columns[5], rows, width)
      vt_bf16_from_f32(&rounded, dx, dx.count)
      #expect(short == rounded)
    }
  }

  private func withNormal(_ columns: [[Float]], _ body: (vt_normal) -> Void) {
    columns[0].withUnsafeBufferPointer { mean in
      columns[1].withUnsafeBufferPointer { inverse in
        columns[2].withUnsafeBufferPointer { weight in
          columns[3].withUnsafeBufferPointer { bias in
            body(
              vt_normal(
                mean: mean.baseAddress, inverse_deviation: inverse.baseAddress,
                weight: weight.baseAddress, bias: bias.baseAddress))
          }
        }
      }
    }
  }

  @Test(arguments: counts) func dropoutAndBinarisation(_ n: Int) {
    var uniforms = [Float](repeating: 0, count: n)
    vt_uniforms(&uniforms, 1, n, 3, NoisePurpose.dropout.rawValue, 1, 0, 0)
    if n > 0 { uniforms[0] = 0.25 }  // not below the probability
    let x = KernelTests.values(n)
    var dropped = x
    vt_dropout(&dropped, uniforms, n, 0.25)
    #expect(dropped == zip(x, uniforms).map { $1 < 0.25 ? 0 : $0 * (1 / 0.75 as Float) })
    let grey = (0..<n).map { Float($0 % 3) / 2 }
    var bits = grey
    vt_binarise(&bits, uniforms, n)
    #expect(bits == zip(grey, uniforms).map { $1 < $0 ? 1 : 0 })
    #expect(zip(grey, bits).allSatisfy { $0 == 0.5 || $0 == $1 })
  }

  @Test(arguments: [1, 3, 17]) func rowsAreGathered(_ width: Int) {
    let source = KernelTests.values(9 * width, [.nan, .infinity])
    let index: [UInt32] = [8, 0, 0, 5]
    var out = [Float](repeating: 9, count: 4 * width)
    vt_gather_f32(&out, source, index, 4, width)
    let expected = index.flatMap { source[Int($0) * width..<(Int($0) + 1) * width] }
    #expect(out.map(\.bitPattern) == expected.map(\.bitPattern))
    let bytes = (0..<258 * width).map { UInt8(truncatingIfNeeded: $0) }
    let all = (0..<256).map { UInt32(257 - $0) }
    var units = [Float](repeating: 9, count: 256 * width)
    vt_gather_u8(&units, bytes, all, 256, width)
    #expect(
      units == all.flatMap { row in (0..<width).map { Float(bytes[Int(row) * width + $0]) / 255 } })
  }

  @Test(arguments: [1, 3, 16, 33]) func columnSumsOfBF16(_ columns: Int) {
    let stride = columns + 2
    var packed = [UInt16](repeating: 0, count: 6 * stride)
    vt_bf16_from_f32(&packed, KernelTests.values(6 * stride), packed.count)
    let x = numbers(packed)
    var sums = [Float](repeating: 9, count: columns)
    vt_column_sums(&sums, packed, 1, 6, columns, stride)
    expectWithin(
      sums,
      (0..<columns).map { c in Bounded.sum((0..<6).map { Double(x[$0 * stride + c]) }) }, "sums")
  }
}
