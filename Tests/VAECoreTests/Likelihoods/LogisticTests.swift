import CKernels
import Foundation
import Testing
import VAECore

struct LogisticTests {
  /// A location inside, at and outside the ends, and scales of many bins and of a fraction of one.
  private static let locations: [Float] = [0.5, 0.3017, 0, 1, -0.4, 1.7]
  private static let logScales: [Float] = [-20, -8, -6.5, -5.1, -4, -2, 0, 3, 7, 9]

  /// −ln p of every level, its slopes by location and log-scale, and both added up.
  private func judge(_ mean: Float, _ logScale: Float) -> (loss: [Double], delta: [Float]) {
    var losses = [Double](repeating: 0, count: 256)
    var delta = [Float](repeating: 0, count: 512)
    let output = (0..<256).flatMap { _ in [mean, logScale] }
    vt_logistic(&losses, &delta, 0, output, (0..<256).map { Float($0) / 255 }, 256, 1, 1, 1)
    return (losses, delta)
  }

  @Test(arguments: locations, logScales) func levelsAddUpToOne(_ mean: Float, _ logScale: Float) {
    let losses = judge(mean, logScale).loss
    #expect(abs(losses.reduce(0) { $0 + exp(-$1) } - 1) < 3e-4 * max(1, exp(-5 - Double(logScale))))
  }

  /// In the tails, too, up to where f32 rounds (x − μ)/s: by half a unit of x and of μ over s.
  @Test(arguments: locations, logScales) func lossIsThatOfTheBin(_ mean: Float, _ logScale: Float) {
    let (losses, delta) = judge(mean, logScale)
    let scale = exp(Double(min(max(logScale, -8), 7)))
    for k in 0..<256 {
      let x = Double(k) / 255
      func loss(_ meanStep: Double, _ scaleStep: Double) -> Double {
        naiveLogistic(mean: Double(mean) + meanStep, raw: Double(logScale) + scaleStep, x: x)
      }
      let rounding = 3e-7 * (x + abs(Double(mean))) / scale
      expectClose(
        [losses[k]], [loss(0, 0)], relative: 5e-7, absolute: 1e-6 + rounding, "level \(k)")
      // Central differences of the twin: h² of a third derivative of order 1/s³.
      let h = 1e-4 * scale
      let byMean = (loss(h, 0) - loss(-h, 0)) / (2 * h)
      expectClose(
        [Double(delta[2 * k])], [byMean], relative: 2e-6, absolute: (2e-6 + rounding) / scale,
        "slope of level \(k) by the location")
      // At a bound itself there are two slopes.
      if [-8, 7].contains(logScale) { continue }
      let byScale = (loss(0, 1e-5) - loss(0, -1e-5)) / 2e-5
      let c = abs(x - Double(mean)) / scale
      expectClose(
        [Double(delta[2 * k + 1])], [byScale], relative: 2e-6,
        absolute: 2e-6 + rounding * (1 + c), "slope of level \(k) by the log-scale")
    }
  }

  @Test func onlyLevelsAreTaken() throws {
    let levels = (0..<256).map { (k: Int) -> Float in
      Float(k) / 255 + (k.isMultiple(of: 2) ? 9e-5 : -9e-5)
    }
    try Logistic().check(try rowStore(levels, shape: [16]))
    for bad in [0.5, -2e-4, 1.0002, 255, .nan, .infinity] as [Float] {
      #expect {
        try [0, 1, 1, 1, bad, 0].withUnsafeBufferPointer {
          try Logistic().check($0, width: 2, firstRow: 7, of: "rows")
        }
      } throws: { error in
        guard case .targetBetweenLevels("rows", let row, let value) = error as? LikelihoodError
        else { return false }
        return row == 9 && (value == bad || value.isNaN && bad.isNaN)
      }
    }
  }

  /// Every level is drawn as often as its probability says, and nothing between them.
  @Test func drawsFollowTheDistribution() {
    let count = 50_000
    for (mean, logScale) in [(0.5, -4), (0.02, -3.5), (0.9, 1)] as [(Float, Float)] {
      var x = [Float](repeating: 0, count: count)
      let output =
        [Float](repeating: mean, count: count) + [Float](repeating: logScale, count: count)
      Logistic().draw(output, into: &x, width: count, parameters: [], seed: 5, row: 3)
      var seen = [Int](repeating: 0, count: 256)
      for x in x {
        let k = (x * 255).rounded()
        #expect(x == k / 255)
        seen[Int(k)] += 1
      }
      for (k, loss) in judge(mean, logScale).loss.enumerated() {
        let p = exp(-loss)
        let deviation = (p * (1 - p) * Double(count)).squareRoot()
        #expect(abs(Double(seen[k]) - p * Double(count)) < 5 * deviation + 1, "level \(k)")
      }
    }
  }

  @Test func meansLieInTheUnitInterval() {
    var x = [Float](repeating: 9, count: 4)
    Logistic().mean([-0.2, 0.3, 1, 7], into: &x, width: 4)
    #expect(x == [0, 0.3, 1, 1])
  }

  @Test func bitsAreNatsOverTheValues() throws {
    var configuration = VAEConfiguration(inputShape: [2, 4], hidden: [3], latent: 2)
    #expect(try VAE(configuration, seed: 1).dimensionsInBits == nil)
    configuration.likelihood = Logistic()
    #expect(try VAE(configuration, seed: 1).dimensionsInBits == 8)
    var statistics = ScoreStatistics()
    statistics.dimensionsInBits = 8
    [Float](repeating: 16, count: 3).withUnsafeBufferPointer { statistics.add($0) }
    #expect(
      statistics.text(of: .elbo)
        == "elbo 16.0 ± 0.0 nats, \(16 / (8 * Foundation.log(2.0))) bits a dimension, 3 rows")
    #expect(try statistics.json(of: .nll).contains("bits_per_dimension"))
    #expect(try !statistics.json(of: .mse).contains("bits"))
  }

  /// Also as checkpoints have them, in snake case.
  @Test func bitsOutliveJSON() throws {
    let losses = Losses(loss: 3, terms: ["kl": 1], bitsPerDimension: 0.5)
    let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
    #expect(try decoder.decode(Losses.self, from: encoder.encode(losses)) == losses)
    encoder.keyEncodingStrategy = .convertToSnakeCase
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    #expect(try decoder.decode(Losses.self, from: encoder.encode(losses)) == losses)
  }
}
