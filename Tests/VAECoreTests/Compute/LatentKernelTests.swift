import CKernels
import Foundation
import Testing
import VAECore

/// The kernels of the Gaussian latent layer against their twins in Double: odd sizes, several
/// particles, log-variances far beyond the clamps.
struct LatentKernelTests {
  struct Size: Sendable, CustomTestStringConvertible {
    let rows: Int
    let latent: Int
    let particles: Int
    var testDescription: String { "\(rows)×\(latent), \(particles) particles" }
  }

  static let sizes = [1, 3, 15, 16, 17, 33, 257].flatMap { latent in
    [Size(rows: 3, latent: latent, particles: 1), Size(rows: 2, latent: latent, particles: 5)]
  }

  /// Heads, noise and incoming gradients of one size.
  struct Batch {
    let size: Size
    let heads: [Float]
    let noise: [Float]
    let dz: [Float]
    let share: [Float]

    init(_ size: Size) {
      self.size = size
      let drawn = size.rows * size.particles * size.latent
      var heads = KernelTests.values(size.rows * 2 * size.latent, scale: 2)
      let extremes: [Float] = [20, -30, 20.001, -30.001, 1e4, -1e4, .infinity, -.infinity]
      for (i, extreme) in extremes.enumerated() {
        let (row, column) = (i % size.rows, i / size.rows)
        if column < size.latent { heads[(row * 2 + 1) * size.latent + column] = extreme }
      }
      self.heads = heads
      noise = KernelTests.values(drawn, scale: 1)
      dz = KernelTests.values(drawn, [0, 1e4, -1e-20], scale: 0.01)
      share = (0..<size.rows * size.particles).map { Float($0 % 3 + 1) / 8 }
    }

    func mean(_ row: Int, _ i: Int) -> Double { Double(heads[row * 2 * size.latent + i]) }
    func raw(_ row: Int, _ i: Int) -> Double { Double(heads[(row * 2 + 1) * size.latent + i]) }
    func logvar(_ row: Int, _ i: Int) -> Double { min(max(raw(row, i), -30), 20) }
    func deviation(_ row: Int, _ i: Int) -> Double { exp(logvar(row, i) / 2) }
    func isClamped(_ row: Int, _ i: Int) -> Bool { raw(row, i) != logvar(row, i) }
    func eps(_ k: Int, _ i: Int) -> Double { Double(noise[k * size.latent + i]) }
    func gradient(_ k: Int, _ i: Int) -> Double { Double(dz[k * size.latent + i]) }
    func draws(of row: Int) -> Range<Int> { row * size.particles..<(row + 1) * size.particles }

    /// Each draw's z.
    var z: [Bounded] {
      (0..<size.rows * size.particles).flatMap { k in
        (0..<size.latent).map { i in
          let row = k / size.particles
          return Bounded.sum([mean(row, i), deviation(row, i) * eps(k, i)])
        }
      }
    }

    /// The terms of one dimension's divergence.
    func divergence(_ row: Int, _ i: Int) -> [Double] {
      let (m, v) = (mean(row, i), logvar(row, i))
      return [exp(v), -1, -v, m * m].map { $0 / 2 }
    }

    /// Rows of [dμ | dv] from the terms of each.
    func heads(
      dmean: (_ row: Int, _ i: Int) -> [Double], dv: (_ row: Int, _ i: Int) -> [Double]
    ) -> [Bounded] {
      (0..<size.rows).flatMap { row in
        (0..<size.latent).map { .sum(dmean(row, $0), roundings: 16) }
          + (0..<size.latent).map {
            .sum(isClamped(row, $0) ? [0] : dv(row, $0), roundings: 16)
          }
      }
    }
  }

  @Test(arguments: sizes) func reparameterise(_ size: Size) {
    let batch = Batch(size)
    let count = size.rows * size.particles * size.latent
    var z = [Float](repeating: 9, count: count)
    var kl = [Double](repeating: 9, count: size.rows)
    var statistics = [Double](repeating: 1, count: 3 * size.latent)
    vt_reparameterise(
      &z, 0, &kl, &statistics, batch.heads, batch.noise, size.rows, size.latent, size.particles)
    expectWithin(z, batch.z, "z")
    // Lanes of a vector add up an eighth of the terms or fewer, and the compiler unrolls.
    let roundings = Double(size.latent) / 4 + 16
    expectWithin(
      kl,
      (0..<size.rows).map { row in
        .sum((0..<size.latent).flatMap { batch.divergence(row, $0) }, roundings: roundings)
      }, "kl")
    let sums: [Bounded] =
      (0..<size.latent).map { i in .sum([1] + (0..<size.rows).map { batch.mean($0, i) }) }
      + (0..<size.latent).map { i in
        .sum([1] + (0..<size.rows).map { batch.mean($0, i) * batch.mean($0, i) })
      }
      + (0..<size.latent).map { i in
        .sum([1] + (0..<size.rows).flatMap { batch.divergence($0, i) })
      }
    expectWithin(statistics, sums, "statistics")

    var packed = [UInt16](repeating: 9, count: count)
    vt_reparameterise(
      &packed, 1, &kl, &statistics, batch.heads, batch.noise, size.rows, size.latent,
      size.particles)
    expectWithin(numbers(packed), batch.z.asBF16, "z in bf16")
  }

  @Test(arguments: sizes, [false, true]) func reparameteriseBackward(_ size: Size, gated: Bool) {
    let batch = Batch(size)
    let gate = (0..<size.latent).map { Float($0 % 2) }
    let weight: Float = 0.3
    func w(_ i: Int) -> Double { Double(weight) * (gated ? Double(gate[i]) : 1) }
    let expected = batch.heads { row, i in
      [w(i) * batch.mean(row, i)] + batch.draws(of: row).map { batch.gradient($0, i) }
    } dv: { row, i in
      [0.5 * w(i) * exp(batch.logvar(row, i)), -0.5 * w(i)]
        + batch.draws(of: row).map {
          batch.gradient($0, i) * batch.eps($0, i) * 0.5 * batch.deviation(row, i)
        }
    }
    var delta = [Float](repeating: 9, count: batch.heads.count)
    vt_reparameterise_backward(
      &delta, 0, batch.dz, batch.heads, batch.noise, gated ? gate : nil, size.rows, size.latent,
      size.particles, weight)
    expectWithin(delta, expected, "heads")
    var packed = [UInt16](repeating: 9, count: batch.heads.count)
    vt_reparameterise_backward(
      &packed, 1, batch.dz, batch.heads, batch.noise, gated ? gate : nil, size.rows, size.latent,
      size.particles, weight)
    expectWithin(numbers(packed), expected.asBF16, "heads in bf16")
  }

  @Test(arguments: sizes) func logRatio(_ size: Size) {
    let batch = Batch(size)
    var ratio = [Double](repeating: 9, count: size.rows * size.particles)
    vt_log_ratio(
      &ratio, batch.heads, batch.noise, size.rows, size.latent, size.particles)
    let z = batch.z
    let roundings = Double(size.latent) / 4 + 16
    var expected: [Bounded] = []
    for k in ratio.indices {
      var terms: [Double] = []
      var slack = 0.0
      for i in 0..<size.latent {
        let (eps, z) = (batch.eps(k, i), z[k * size.latent + i])
        terms += [0.5 * eps * eps, 0.5 * batch.logvar(k / size.particles, i)]
        terms.append(-0.5 * z.value * z.value)
        // What is off in z is so in its square, wherever μ and the noise cancel.
        slack += (abs(z.value) + z.bound) * z.bound
      }
      var sum = Bounded.sum(terms, roundings: roundings)
      sum.bound += slack
      expected.append(sum)
    }
    expectWithin(ratio, expected, "ratio")
  }

  @Test(arguments: sizes) func logRatioBackward(_ size: Size) {
    let batch = Batch(size)
    let weight: Float = 0.3
    func w(_ k: Int) -> Double { Double(batch.share[k]) * Double(weight) }
    /// The terms of a draw's gradient of z.
    func dz(_ row: Int, _ k: Int, _ i: Int) -> [Double] {
      [
        batch.gradient(k, i), w(k) * batch.mean(row, i),
        w(k) * batch.deviation(row, i) * batch.eps(k, i),
      ]
    }
    let expected = batch.heads { row, i in
      batch.draws(of: row).flatMap { dz(row, $0, i) }
    } dv: { row, i in
      batch.draws(of: row).flatMap { k in
        dz(row, k, i).map { $0 * batch.eps(k, i) * 0.5 * batch.deviation(row, i) } + [-0.5 * w(k)]
      }
    }
    var delta = [Float](repeating: 9, count: batch.heads.count)
    vt_log_ratio_backward(
      &delta, 0, batch.dz, batch.heads, batch.noise, batch.share, size.rows, size.latent,
      size.particles, weight)
    expectWithin(delta, expected, "heads")
  }

  @Test(arguments: [1, 3, 16, 33]) func posteriorSample(_ latent: Int) {
    let batch = Batch(Size(rows: 1, latent: latent, particles: 1))
    var z = batch.noise
    vt_posterior_sample(&z, batch.heads, latent)
    expectWithin(z, batch.z, "z")
  }

  @Test func whatIsNotANumberStaysSo() {
    var (z, kl, statistics) = (
      [Float](repeating: 0, count: 2), 0.0, [Double](repeating: 0, count: 6)
    )
    for heads: [Float] in [[.nan, 0, 0, 0], [0, 0, .nan, 0]] {
      vt_reparameterise(&z, 0, &kl, &statistics, heads, [1, 1], 1, 2, 1)
      #expect(z[0].isNaN)
      #expect(!z[1].isNaN)
      #expect(kl.isNaN)
      vt_log_ratio(&kl, heads, [1, 1], 1, 2, 1)
      #expect(kl.isNaN)
    }
  }
}
