import CKernels
import Foundation
import Testing
import VAECore

struct StudentTTests {
  /// The quantiles of 3 degrees of freedom in closed form: F(t) = ½ + (θ + sin θ cos θ)/π with
  /// tan θ = t/√3.
  @Test func quantilesInvertTheDistribution() {
    let us: [Float] = [0x1p-25, 1e-4, 0.01, 0.2, 0.5, 0.7, 0.999, 1 - 0x1p-24]
    var t = [Float](repeating: 0, count: us.count)
    vt_student_quantiles(&t, us, [Float](repeating: 3, count: us.count), us.count)
    for (t, u) in zip(t, us) {
      let angle = atan(Double(t) / 3.0.squareRoot())
      // The tail below, without cancellation, of whichever side the value is on.
      let side = Double.pi / 2 - abs(angle)
      let tail = (side - sin(side) * cos(side)) / Double.pi
      let expected = u < 0.5 ? Double(u) : 1 - Double(u)
      #expect(abs(tail - expected) <= 1e-6 * expected, "\(u)")
    }
  }

  /// Many degrees of freedom are a normal: its 97.5 % quantile is 1.959964.
  @Test func manyDegreesAreANormal() {
    var t: Float = 0
    vt_student_quantiles(&t, [0.975], [1e6], 1)
    #expect(abs(t - 1.959966) < 2e-5)
  }

  @Test(arguments: [-3, 0.5, 8] as [Float], [-2, 6] as [Float])
  func densitiesAddUpToOne(_ scale: Float, _ df: Float) {
    var total = 0.0
    let sigma = max(Double(scale), 0) + log1p(exp(-abs(Double(scale)))) + 1e-3
    let width = 0.02 * sigma
    for i in -40_000..<40_000 {
      var loss = 0.0
      let output: [Float] = [0.25, scale, df]
      let target = [Float(0.25 + (Double(i) + 0.5) * width)]
      output.withUnsafeBufferPointer { output in
        target.withUnsafeBufferPointer { target in
          guard let output = output.baseAddress, let target = target.baseAddress else { return }
          withUnsafeMutablePointer(to: &loss) {
            StudentT().loss(
              LikelihoodRows(
                loss: $0, delta: nil, output: output, targets: target, rows: 1, width: 1),
              parameters: [])
          }
        }
      }
      total += exp(-loss) * width
    }
    // The tails beyond 800 σ hold less than 1e-8.
    #expect(abs(total - 1) < 2e-5)
  }

  /// Draws have the distribution's quartiles: those of 3 degrees of freedom lie at ±0.7649.
  @Test func drawsFollowTheDistribution() {
    let count = 20_000
    let output =
      [Float](repeating: 2, count: count) + [Float](repeating: 0, count: count)
      + [Float](repeating: -40, count: count)
    var x = [Float](repeating: 0, count: count)
    StudentT().draw(output, into: &x, width: count, parameters: [], seed: 5, row: 3)
    let sigma = Float(log(2) + 1e-3)
    let inside = x.count { abs($0 - 2) < 0.7649 * sigma }
    // Half of them, within five standard deviations of a count.
    #expect(abs(Double(inside) - Double(count) / 2) < 5 * (Double(count) / 4).squareRoot())
    #expect(x.allSatisfy { $0.isFinite })
  }
}
