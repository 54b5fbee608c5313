import CKernels
import Foundation
import Testing
import VAECore

/// The vector kernels against naive twins in Double, over odd lengths and extreme values.
struct KernelTests {
  static let lengths = [0, 1, 3, 15, 16, 17, 33, 257, 1025]

  /// Repeatable values over many magnitudes, with the extremes first.
  static func values(_ count: Int, _ extremes: [Float] = [], scale: Float = 3) -> [Float] {
    var x = [Float](repeating: 0, count: max(count, 1))
    Noise(seed: 11, purpose: .sample).normals(into: &x, rows: 1, columns: count, stride: count)
    for i in x.indices { x[i] *= scale }
    for (i, extreme) in extremes.enumerated() where i < count { x[i] = extreme }
    return Array(x.prefix(count))
  }

  @Test(arguments: lengths)
  func bf16RoundsToNearestEven(_ n: Int) {
    let special: [Float] = [
      0, -0.0, 1, .infinity, -.infinity, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
      Float(bitPattern: 0x3F80_8000), Float(bitPattern: 0x3F81_8000),
    ]
    let x = Self.values(n, special)
    var packed = [UInt16](repeating: 0, count: n)
    vt_bf16_from_f32(&packed, x, n)
    for (value, bits) in zip(x, packed) {
      let pattern = value.bitPattern
      let lower = UInt32(pattern & 0xFFFF)
      var upper = UInt32(pattern >> 16)
      if lower > 0x8000 || (lower == 0x8000 && upper & 1 == 1) { upper += 1 }
      #expect(UInt32(bits) == upper, "\(value)")
    }
    var back = [Float](repeating: 0, count: n)
    vt_f32_from_bf16(&back, packed, n)
    for (value, bits) in zip(back, packed) {
      #expect(value.bitPattern == UInt32(bits) << 16)
    }
  }

  @Test func bf16KeepsNaN() {
    var packed = [UInt16](repeating: 0, count: 2)
    vt_bf16_from_f32(&packed, [.nan, Float(bitPattern: 0x7FFF_FFFF)], 2)
    for bits in packed { #expect(Float(bitPattern: UInt32(bits) << 16).isNaN) }
  }

  @Test func bytesAreDividedExactly() {
    let bytes = (0...255).map { UInt8($0) }
    var floats = [Float](repeating: 0, count: 256)
    vt_f32_from_u8(&floats, bytes, 256)
    #expect(floats == bytes.map { Float($0) / 255 })
    var rows = [Float](repeating: 0, count: 6)
    vt_gather_u8(&rows, bytes, [40, 7], 2, 3)
    #expect(rows == [120, 121, 122, 21, 22, 23].map { Float($0) / 255 })
  }

  @Test(arguments: lengths)
  func bernoulli(_ n: Int) {
    guard n > 0 else { return }
    let logits = Self.values(n, [1e4, -1e4, 88, -88, 0, 1e-8], scale: 6)
    let targets = (0..<n).map { Float($0 % 5) / 4 }
    var loss = 0.0
    var delta = [Float](repeating: 0, count: n)
    vt_bernoulli(&loss, &delta, 0, logits, targets, 1, 1, n, 0.5)
    var expected = 0.0
    for i in 0..<n {
      let (l, x) = (Double(logits[i]), Double(targets[i]))
      expected += max(l, 0) - l * x + log1p(exp(-abs(l)))
      // Two roundings of a number below 1, and the polynomial's error.
      #expect(abs(Double(delta[i]) - 0.5 * (1 / (1 + exp(-l)) - x)) < 2e-7, "\(l)")
    }
    #expect(abs(loss - expected) <= 3e-7 * expected + 2e-7 * Double(n))
    var alone = 0.0
    vt_bernoulli(&alone, nil, 0, logits, targets, 1, 1, n, 0.5)
    #expect(abs(alone - loss) <= 1e-6 * loss)  // the lanes add up in another order
  }

  @Test func lossesOfNaNAreNaN() {
    var loss = 0.0
    vt_bernoulli(&loss, nil, 0, [.nan, 0, 0], [0, 0, 0], 1, 1, 3, 1)
    #expect(loss.isNaN)
    vt_gaussian(&loss, nil, 0, [0, .nan, 0], [0, 0, 0], 1, 1, 3, 1, 1)
    #expect(loss.isNaN)
  }

  @Test(arguments: lengths)
  func sigmoidAndActivations(_ n: Int) {
    let x = Self.values(n, [1e4, -1e4, 0, 1e-20, -90, 90])
    var y = [Float](repeating: 0, count: n)
    vt_sigmoid(&y, x, n)
    expectClose(y, x.map { 1 / (1 + exp(-Double($0))) }, relative: 3e-7, absolute: 2e-38, "σ")
    let kinds: [(vt_activation_kind, (Double) -> Double)] = [
      (vt_relu, { max($0, 0) }), (vt_tanh, { tanh($0) }), (vt_silu, { $0 / (1 + exp(-$0)) }),
      (vt_leaky_relu, { $0 > 0 ? $0 : Double(Float(0.01)) * $0 }),
    ]
    for (kind, function) in kinds {
      vt_activation(kind, &y, x, n)
      expectClose(y, x.map { function(Double($0)) }, relative: 5e-7, absolute: 1e-33, "\(kind)")
      var dx = [Float](repeating: 1, count: n)
      vt_activation_backward(kind, &dx, x, n)
      let h = 1e-6
      let slopes = x.map { x -> Double in
        x == 0 ? Double.nan : (function(Double(x) + h) - function(Double(x) - h)) / (2 * h)
      }
      for i in 0..<n where !slopes[i].isNaN && abs(x[i]) > 1e-5 {
        #expect(abs(Double(dx[i]) - slopes[i]) < 1e-6, "\(kind) at \(x[i])")
      }
    }
  }

  @Test(arguments: lengths)
  func adamIsTheFormula(_ n: Int) {
    var p = Self.values(n)
    var (m, v) = ([Float](repeating: 0.1, count: n), [Float](repeating: 0.2, count: n))
    let g = Self.values(n, [0, 1e-20, 1e10], scale: 0.1)
    let (p0, m0, v0) = (p, m, v)
    var copy = [UInt16](repeating: 0, count: n)
    let step = vt_step(scale: 1, rate: 0.01, decay: 0)
    let constants = vt_adam_constants(
      beta1: 0.9, beta2: 0.999, inverse_root: 2, epsilon: 1e-8, shrink: 0)
    let sum = vt_adam(&p, &m, &v, &copy, g, n, step, constants)
    var squares = 0.0
    for i in 0..<n {
      let gradient = Double(g[i])
      let first = Double(m0[i]) + (1 - Double(Float(0.9))) * (gradient - Double(m0[i]))
      let second =
        Double(Float(0.999)) * Double(v0[i]) + (1 - Double(Float(0.999))) * gradient * gradient
      let moved = Double(p0[i]) - Double(Float(0.01)) * first / (second.squareRoot() * 2 + 1e-8)
      expectClose([p[i]], [moved], relative: 1e-6, absolute: 1e-7, "p")
      squares += gradient * gradient
    }
    #expect(abs(sum - squares) <= 1e-5 * squares)
    var packed = [UInt16](repeating: 0, count: n)
    vt_bf16_from_f32(&packed, p, n)
    #expect(packed == copy)
  }

  @Test func normsOfBadGradientsAreNotFinite() {
    for bad in [Float.nan, .infinity] {
      var (p, m, v): ([Float], [Float], [Float]) = ([0, 0], [0, 0], [0, 0])
      let sum = vt_adam(
        &p, &m, &v, nil, [1, bad], 2, vt_step(scale: 1, rate: 0.1, decay: 0), vt_adam_constants())
      #expect(!sum.isFinite)
    }
  }

  @Test(arguments: [1, 3, 16, 33])
  func columnSums(_ columns: Int) {
    let stride = columns + 2
    let x = Self.values(5 * stride)
    var sums = [Float](repeating: 9, count: columns)
    vt_column_sums(&sums, x, 0, 5, columns, stride)
    let expected = (0..<columns).map { c in (0..<5).reduce(0.0) { $0 + Double(x[$1 * stride + c]) }
    }
    expectClose(sums, expected, relative: 1e-6, absolute: 3e-6, "sums")
  }
}
