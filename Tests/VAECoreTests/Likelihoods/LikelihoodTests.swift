import Foundation
import Testing
import VAECore

struct LikelihoodTests {
  /// The constants that the kernels leave out are there: densities integrate to 1.
  @Test(arguments: [Sigma.fixed(0.3), .fixed(2), .learned, .pixel])
  func densitiesAddUpToOne(_ sigma: Sigma) throws {
    let likelihood = try Likelihoods.named("gaussian", sigma: sigma)
    let logSigma: Float = 0.4
    var total = 0.0
    let width = 0.01
    for x in stride(from: -30.0, to: 30, by: width) {
      var loss = 0.0
      judge(likelihood, [0.7, 2 * logSigma], [Float(x)], logSigma: logSigma, &loss)
      total += exp(-loss) * width
    }
    #expect(abs(total - 1) < 1e-5)
  }

  @Test func bernoulliAddsUpToOne() {
    var total = 0.0
    for bits in 0..<8 {
      var loss = 0.0
      let x = (0..<3).map { Float(bits >> $0 & 1) }
      judge(Bernoulli(), [0.3, -2, 5], x, &loss)
      total += exp(-loss)
    }
    #expect(abs(total - 1) < 1e-6)
  }

  /// The summed squared error of the seeds is σ² = ½, but for its constant.
  @Test func halfVarianceIsTheSummedSquaredError() throws {
    var losses = [0.0, 0.0]
    let likelihood = try Likelihoods.named("gaussian", sigma: .fixed(Float(0.5).squareRoot()))
    judge(likelihood, [1, 2, 3], [0, 0, 0], &losses[0])
    judge(likelihood, [0, 0, 0], [0, 0, 0], &losses[1])
    #expect(abs(losses[0] - losses[1] - 14) < 1e-5)
  }

  @Test(arguments: [-0.01, 1.01, 255]) func targetsLieInTheUnitInterval(_ bad: Float) throws {
    let rows = try rowStore([0, 1, 0.5, 1, bad, 0], shape: [2])
    #expect { try Bernoulli().check(rows) } throws: { error in
      guard case .targetOutOfRange(_, let row, let value) = error as? LikelihoodError else {
        return false
      }
      return row == 2 && value == bad
    }
    try Likelihoods.named("gaussian").check(rows)
  }

  /// A Bernoulli's draws are 1 as often as its mean says, a Gaussian's as far off as its σ.
  @Test func drawsFollowTheDistribution() throws {
    let count = 20_000
    var x = [Float](repeating: 0, count: count)
    let logits = [Float](repeating: 0.8, count: count)
    Bernoulli().draw(logits, into: &x, width: count, parameters: [], seed: 1, row: 0)
    let p = 1 / (1 + exp(-0.8))
    let mean = x.reduce(0.0) { $0 + Double($1) } / Double(count)
    #expect(abs(mean - p) < 5 * (p * (1 - p) / Double(count)).squareRoot())
    #expect(x.allSatisfy { $0 == 0 || $0 == 1 })

    // A log-variance of ln 4 a pixel, and a learned ln 2: both σ = 2.
    let pixel = [Float](repeating: 3, count: count) + [Float](repeating: log(4), count: count)
    for sigma in [Sigma.pixel, .learned, .fixed(2)] {
      try Likelihoods.named("gaussian", sigma: sigma).draw(
        pixel, into: &x, width: count, parameters: [log(2)], seed: 2, row: 7)
      let squares = x.reduce(0.0) { $0 + (Double($1) - 3) * (Double($1) - 3) } / Double(count)
      #expect(abs(squares - 4) < 5 * 4 * (2 / Double(count)).squareRoot())
    }
  }

  /// −log p of one row.
  private func judge(
    _ likelihood: any Likelihood, _ output: [Float], _ x: [Float], logSigma: Float = 0,
    _ loss: inout Double
  ) {
    withUnsafeMutablePointer(to: &loss) { loss in
      output.withUnsafeBufferPointer { output in
        x.withUnsafeBufferPointer { x in
          guard let output = output.baseAddress, let targets = x.baseAddress else { return }
          likelihood.loss(
            LikelihoodRows(
              loss: loss, delta: nil, output: output, targets: targets, rows: 1, width: x.count),
            parameters: [logSigma])
        }
      }
    }
  }
}
