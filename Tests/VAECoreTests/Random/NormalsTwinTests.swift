import Testing
import VAECore

/// The vectorised generator against the same operations one by one: not close, but equal, since a
/// model's bytes depend on every bit.
struct NormalsTwinTests {
  /// The four normals of a block.
  static func block(_ noise: Noise, row: UInt64, block: UInt32) -> [Float] {
    let words = noise.words(row: row, block: block)
    return boxMuller(words[0], words[1]) + boxMuller(words[2], words[3])
  }

  static func boxMuller(_ a: UInt32, _ b: UInt32) -> [Float] {
    let u = Float(a) * 0x1p-32 + 0x1p-33
    let radius = (-2 * logarithm(min(u, 1))).squareRoot()
    let quadrant = (b &+ 0x2000_0000) >> 30
    let t = Float(Int32(bitPattern: b &- (quadrant << 30))) * 0x1.921fb6p-30
    let z = t * t
    var s: Float = -1.9515295891e-4 * z + 8.3321608736e-3
    s = (s * z - 1.6666654611e-1) * z * t + t
    var c: Float = 2.443315711809948e-5 * z - 1.388731625493765e-3
    c = (c * z + 4.166664568298827e-2) * z * z - 0.5 * z + 1
    let (x, y) = quadrant & 1 == 1 ? (s, c) : (c, s)
    return [radius * ((quadrant + 1) & 2 != 0 ? -x : x), radius * (quadrant & 2 != 0 ? -y : y)]
  }

  /// Cephes' logf on [2⁻³³, 1].
  static func logarithm(_ u: Float) -> Float {
    let bits = u.bitPattern
    let exponent = Int32(bitPattern: bits &- 0x3F35_04F3) >> 23
    let x = Float(bitPattern: bits &- UInt32(bitPattern: exponent) << 23) - 1
    let (z, e) = (x * x, Float(exponent))
    var y: Float = 7.0376836292e-2
    for coefficient: Float in [
      -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
      2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    ] { y = y * x + coefficient }
    y = y * x * z
    y = y + e * -2.12194440e-4
    y = y - 0.5 * z
    return x + y + e * 0.693359375
  }

  @Test(arguments: [1, 3, 4, 5, 15, 16, 17, 20, 33, 257], [1, 2, 33])
  func everyBitIsTheTwins(_ columns: Int, rows: Int) {
    let noise = Noise(seed: 0xDEAD_BEEF_0123_4567, purpose: .latent, step: 0xFFFF_FFFF)
    let stride = columns + 2
    for first in [0, 1 << 32 - 1, 1 << 40] as [UInt64] {
      var out = [Float](repeating: 9, count: rows * stride)
      noise.normals(into: &out, rows: rows, columns: columns, stride: stride, firstRow: first)
      for row in 0..<rows {
        let expected = (0..<(columns + 3) / 4).flatMap {
          Self.block(noise, row: first + UInt64(row), block: UInt32($0))
        }
        let got = out[row * stride..<(row + 1) * stride]
        #expect(got.elementsEqual(expected[..<columns] + [9, 9]), "row \(row)")
      }
    }
  }

  /// The ends of the uniforms are numbers too.
  @Test func extremeWordsGiveNumbers() {
    for a in [0, 1, 0x7FFF_FFFF, 0xFFFF_FF7F, 0xFFFF_FF80, 0xFFFF_FFFF] as [UInt32] {
      for b in [0, 0x1FFF_FFFF, 0x2000_0000, 0xE000_0000, 0xFFFF_FFFF] as [UInt32] {
        // √(−2 ln 2⁻³³) is 6.77.
        #expect(Self.boxMuller(a, b).allSatisfy { abs($0) < 6.8 })
      }
    }
  }

  @Test func purposesStepsAndSeedsDiffer() {
    func first(_ noise: Noise) -> Float {
      var x: Float = 0
      noise.normals(into: &x, rows: 1, columns: 1, stride: 1)
      return x
    }
    let drawn = [
      Noise(seed: 1, purpose: .latent), Noise(seed: 2, purpose: .latent),
      Noise(seed: 1, purpose: .draw), Noise(seed: 1, purpose: .latent, step: 1),
      Noise(seed: 1 << 32, purpose: .latent),
    ].map(first)
    #expect(Set(drawn).count == drawn.count)
  }

  /// 24 frequencies of what lies below a bound, each within five standard deviations.
  @Test func boundedWordsAreEven() {
    var generator = NoiseGenerator(Noise(seed: 4, purpose: .shuffle))
    var counts = [Int](repeating: 0, count: 24)
    for _ in 0..<24_000 { counts[Int(generator.next(below: 24))] += 1 }
    #expect(counts.allSatisfy { abs(Double($0) - 1000) < 5 * 31 })
    var unit = NoiseGenerator(Noise(seed: 5, purpose: .initialise))
    let units = (0..<1000).map { _ in unit.nextUnit() }
    #expect(units.allSatisfy { 0..<1 ~= $0 })
  }
}
