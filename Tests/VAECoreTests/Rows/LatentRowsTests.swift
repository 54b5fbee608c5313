import Testing
import VAECore

struct LatentRowsTests {
  /// By scipy.stats.norm.ppf((numpy.arange(n) + 0.5) / n).
  @Test func quantilesAreSciPys() throws {
    #expect(normalQuantiles(1) == [0])
    let three = [-0.967421566101701, 0, 0.967421566101701]
    let four = [-1.150349380376008, -0.318639363964375, 0.318639363964375, 1.150349380376008]
    for expected in [three, four] {
      let quantiles = normalQuantiles(expected.count)
      for (a, b) in zip(quantiles, expected) { #expect(abs(a - b) < 1e-14) }
    }
    // The least of a million.
    #expect(abs(normalQuantiles(1_000_000)[0] + 4.891638475698590) < 1e-12)
  }

  @Test func quantilesRiseAndAreSymmetric() {
    for steps in [2, 7, 50] {
      let quantiles = normalQuantiles(steps)
      #expect(quantiles.count == steps)
      #expect(zip(quantiles, quantiles.dropFirst()).allSatisfy { $0 < $1 })
      #expect(quantiles.reversed().map { -$0 } == quantiles)
    }
  }
}
