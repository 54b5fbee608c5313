import Foundation
import Testing
import VAECore

struct LikelihoodTests {
  /// The constants that the kernels leave out are there: densities integrate to 1.
  @Test(arguments: [
    Likelihood.gaussian(.fixed(0.3)), .gaussian(.fixed(2)), .gaussian(.learned), .gaussian(.pixel),
  ])
  func densitiesAddUpToOne(_ likelihood: Likelihood) {
    let logSigma: Float = 0.4
    var total = 0.0
    let width = 0.01
    for x in stride(from: -30.0, to: 30, by: width) {
      var loss = 0.0
      likelihood.loss(
        into: &loss, delta: nil, isBF16: 0, output: [0.7, 2 * logSigma], targets: [Float(x)],
        rows: 1, repeats: 1, width: 1, logSigma: logSigma, scale: 1)
      total += exp(-loss) * width
    }
    #expect(abs(total - 1) < 1e-5)
  }

  @Test func bernoulliAddsUpToOne() {
    var total = 0.0
    for bits in 0..<8 {
      var loss = 0.0
      let x = (0..<3).map { Float(bits >> $0 & 1) }
      Likelihood.bernoulli.loss(
        into: &loss, delta: nil, isBF16: 0, output: [0.3, -2, 5], targets: x, rows: 1, repeats: 1,
        width: 3, logSigma: 0, scale: 1)
      total += exp(-loss)
    }
    #expect(abs(total - 1) < 1e-6)
  }

  /// The summed squared error of the seeds is σ² = ½, but for its constant.
  @Test func halfVarianceIsTheSummedSquaredError() {
    var losses = [0.0, 0.0]
    Likelihood.gaussian(.fixed(Float(0.5).squareRoot())).loss(
      into: &losses, delta: nil, isBF16: 0, output: [1, 2, 3, 0, 0, 0],
      targets: [0, 0, 0, 0, 0, 0], rows: 2, repeats: 1, width: 3, logSigma: 0, scale: 1)
    #expect(abs(losses[0] - losses[1] - 14) < 1e-5)
  }

  @Test(arguments: [-0.01, 1.01, 255]) func targetsLieInTheUnitInterval(_ bad: Float) throws {
    let rows = try rowStore([0, 1, 0.5, 1, bad, 0], shape: [2])
    #expect { try Likelihood.bernoulli.check(rows) } throws: { error in
      guard case .targetOutOfRange(_, let row, let value) = error as? LikelihoodError else {
        return false
      }
      return row == 2 && value == bad
    }
    try Likelihood.gaussian(.fixed(1)).check(rows)
  }

  /// A Bernoulli's draws are 1 as often as its mean says, a Gaussian's as far off as its σ.
  @Test func drawsFollowTheDistribution() {
    let count = 20_000
    var x = [Float](repeating: 0, count: count)
    let logits = [Float](repeating: 0.8, count: count)
    Likelihood.bernoulli.draw(logits, into: &x, width: count, logSigma: 0, seed: 1, row: 0)
    let p = 1 / (1 + exp(-0.8))
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(count)
    #expect(abs(mean - p) < 5 * (p * (1 - p) / Double(count)).squareRoot())
    #expect(x.allSatisfy { $0 == 0 || $0 == 1 })

    // A log-variance of ln 4 a pixel, and a learned ln 2: both σ = 2.
    let pixel = [Float](repeating: 3, count: count) + [Float](repeating: log(4), count: count)
    for (likelihood, logSigma) in [
      (Likelihood.gaussian(.pixel), Float(0)), (.gaussian(.learned), log(2)),
      (.gaussian(.fixed(2)), 0),
    ] {
      likelihood.draw(pixel, into: &x, width: count, logSigma: logSigma, seed: 2, row: 7)
      let squares = x.reduce(0.0) { $0 + (Double($1) - 3) * (Double($1) - 3) } / Double(count)
      #expect(abs(squares - 4) < 5 * 4 * (2 / Double(count)).squareRoot())
    }
  }
}
