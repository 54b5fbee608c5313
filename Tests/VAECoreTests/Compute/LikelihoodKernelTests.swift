import CKernels
import Foundation
import Testing
import VAECore

/// The likelihoods' kernels against their twins in Double: widths on both sides of a chunk, several
/// outputs a target, gradients in either type or none.
struct LikelihoodKernelTests {
  static let widths = [1, 3, 15, 16, 17, 33, 257, 511, 512, 513, 1025]
  private static let rows = 4
  private static let scale: Float = 0.25

  /// A kernel's loss and gradient of `rows` outputs, two to a target, in f32, bf16, and alone.
  private func check(
    _ what: String, width: Int, columns: Int, outputs: [Float],
    loss: (_ row: Int) -> [Double], delta: (_ row: Int, _ column: Int) -> [Double],
    kernel: (UnsafeMutablePointer<Double>, UnsafeMutableRawPointer?, Int32) -> Void
  ) {
    var losses = [Double](repeating: 9, count: Self.rows)
    var gradient = [Float](repeating: 9, count: Self.rows * columns)
    kernel(&losses, &gradient, 0)
    // A chunk of 512 values is added up in at least four lanes; ln(1 + e) errs by 1e-7 a value.
    let expected = (0..<Self.rows).map { row in
      var sum = Bounded.sum(loss(row), roundings: Double(min(width, 512)) / 4 + 8)
      sum.bound += 1e-7 * Double(width)
      return sum
    }
    expectWithin(losses, expected, "\(what) loss")
    let deltas = (0..<Self.rows).flatMap { row in
      (0..<columns).map { Bounded.sum(delta(row, $0).map { $0 * Double(Self.scale) }) }
    }
    expectWithin(gradient, deltas, "\(what) gradient")

    var alone = [Double](repeating: 9, count: Self.rows)
    kernel(&alone, nil, 0)
    expectWithin(alone, expected, "\(what) loss alone")
    var packed = [UInt16](repeating: 9, count: Self.rows * columns)
    kernel(&losses, &packed, 1)
    expectWithin(losses, expected, "\(what) loss with bf16")
    expectWithin(numbers(packed), deltas.asBF16, "\(what) gradient in bf16")
  }

  private func target(_ targets: [Float], _ width: Int, _ row: Int, _ i: Int) -> Double {
    Double(targets[row / 2 * width + i])
  }

  @Test(arguments: widths) func bernoulli(_ width: Int) {
    let logits = KernelTests.values(
      Self.rows * width, [1e4, -1e4, 87.5, -87.5, 1e-30, -0.0, 1e-45], scale: 5)
    let targets = (0..<2 * width).map { Float($0 % 5) / 4 }
    check(
      "Bernoulli", width: width, columns: width, outputs: logits,
      loss: { row in
        (0..<width).flatMap { i in
          let l = Double(logits[row * width + i])
          return [max(l, 0), -l * target(targets, width, row, i), log1p(exp(-abs(l)))]
        }
      },
      delta: { row, i in
        [1 / (1 + exp(-Double(logits[row * width + i]))), -target(targets, width, row, i)]
      },
      kernel: {
        vt_bernoulli($0, $1, $2, logits, targets, Self.rows, 2, width, Self.scale)
      })
  }

  @Test(arguments: widths) func gaussian(_ width: Int) {
    let means = KernelTests.values(Self.rows * width, [1e4, -1e4, 1e-30, 0])
    let targets = KernelTests.values(2 * width + 3).suffix(2 * width).map { $0 }
    let precision: Float = 2.5
    check(
      "Gaussian", width: width, columns: width, outputs: means,
      loss: { row in
        (0..<width).map { i in
          let d = Double(means[row * width + i]) - target(targets, width, row, i)
          return 0.5 * d * d * Double(precision)
        }
      },
      delta: { row, i in
        [Double(means[row * width + i]), -target(targets, width, row, i)].map {
          $0 * Double(precision)
        }
      },
      kernel: {
        vt_gaussian($0, $1, $2, means, targets, Self.rows, 2, width, precision, Self.scale)
      })
  }

  @Test(arguments: widths) func gaussianWithALogVarianceAPixel(_ width: Int) {
    var outputs = KernelTests.values(Self.rows * 2 * width, scale: 2)
    let extremes: [Float] = [20, -30, 20.5, -31, 1e4, -1e4]
    for (i, extreme) in extremes.enumerated() where i < width { outputs[width + i] = extreme }
    let targets = KernelTests.values(2 * width + 3).suffix(2 * width).map { $0 }
    func parts(_ row: Int, _ i: Int) -> (d: Double, v: Double, raw: Double) {
      let raw = Double(outputs[row * 2 * width + width + i])
      return (
        Double(outputs[row * 2 * width + i]) - target(targets, width, row, i),
        min(max(raw, -30), 20), raw
      )
    }
    check(
      "pixel", width: width, columns: 2 * width, outputs: outputs,
      loss: { row in
        (0..<width).flatMap { i in
          let (d, v, _) = parts(row, i)
          return [0.5 * d * d * exp(-v), 0.5 * v]
        }
      },
      delta: { row, column in
        let (d, v, raw) = parts(row, column % width)
        if column < width {
          // The difference is rounded before e^30 may multiply it.
          let x = target(targets, width, row, column)
          return [(d + x) * exp(-v), -x * exp(-v)]
        }
        return raw == v ? [0.5, -0.5 * d * d * exp(-v)] : [0]
      },
      kernel: {
        vt_gaussian_pixel($0, $1, $2, outputs, targets, Self.rows, 2, width, Self.scale)
      })
  }

  @Test(arguments: widths) func logistic(_ width: Int) {
    var outputs = KernelTests.values(Self.rows * 2 * width, scale: 2)
    for (i, extreme) in [7, -8, 7.5, -9, 1e4, -1e4].enumerated() where i < width {
      outputs[width + i] = Float(extreme)
    }
    let targets = (0..<2 * width).map { Float($0 * 37 % 256) / 255 }
    func parts(_ row: Int, _ i: Int) -> (x: Double, mean: Double, raw: Double, scale: Double) {
      let raw = Double(outputs[row * 2 * width + width + i])
      return (
        target(targets, width, row, i), Double(outputs[row * 2 * width + i]), raw,
        exp(min(max(raw, -8), 7))
      )
    }
    check(
      "logistic", width: width, columns: 2 * width, outputs: outputs,
      loss: { row in
        (0..<width).flatMap { i in
          let (x, mean, raw, scale) = parts(row, i)
          let (c, loss) = ((x - mean) / scale, naiveLogistic(mean: mean, raw: raw, x: x))
          // The distance is rounded as a difference, and what is added to it may cancel it.
          return [loss, x / scale, -x / scale, c, -c, 10, -10]
        }
      },
      delta: { row, column in
        let (x, mean, raw, scale) = parts(row, column % width)
        let c = abs(x - mean) / scale
        func slope(_ loss: (Double) -> Double, _ h: Double) -> Double {
          (loss(h) - loss(-h)) / (2 * h)
        }
        // The twin's slope is right to a few 1e-9 of what its own terms are.
        if column < width {
          let by = slope({ naiveLogistic(mean: mean + $0, raw: raw, x: x) }, 1e-4 * scale)
          let rounding = (1 + (x + abs(mean)) / scale * min(1, exp(-c + 6))) / scale
          return [by, rounding, -rounding]
        }
        guard raw >= -8, raw <= 7 else { return [0] }
        let by = slope({ naiveLogistic(mean: mean, raw: raw + $0, x: x) }, 1e-5)
        let rounding = (1 + c) * (1 + (x + abs(mean)) / scale)
        return [raw == 7 || raw == -8 ? 2 * by : by, rounding, -rounding]
      },
      kernel: {
        vt_logistic($0, $1, $2, outputs, targets, Self.rows, 2, width, Self.scale)
      })
  }

  @Test(arguments: [1, 3, 16, 257]) func rowsAreScaled(_ width: Int) {
    let x = KernelTests.values(3 * width, [.infinity, 1e-45])
    let factors: [Float] = [0.1, 0, 3]
    var y = x
    vt_scale_rows(&y, 0, factors, 3, width)
    for i in x.indices {
      let expected = x[i] * factors[i / width]
      #expect(y[i] == expected || (y[i].isNaN && expected.isNaN))
    }
    var packed = [UInt16](repeating: 0, count: x.count)
    vt_bf16_from_f32(&packed, x, x.count)
    let before = numbers(packed)
    vt_scale_rows(&packed, 1, factors, 3, width)
    var expected = [UInt16](repeating: 0, count: x.count)
    vt_bf16_from_f32(&expected, x.indices.map { before[$0] * factors[$0 / width] }, x.count)
    #expect(packed == expected)
  }

  /// An infinite logit is no loss of zero: it ends the run.
  @Test func infiniteOutputsAreNoFiniteLoss() {
    for bad in [Float.infinity, -.infinity, .nan] {
      var loss = [0.0]
      vt_bernoulli(&loss, nil, 0, [bad, 0, 0], [0.5, 0, 0], 1, 1, 3, 1)
      #expect(!loss[0].isFinite)
      vt_gaussian(&loss, nil, 0, [bad, 0, 0], [0.5, 0, 0], 1, 1, 3, 1, 1)
      #expect(!loss[0].isFinite)
      vt_gaussian_pixel(&loss, nil, 0, [bad, 0, 0, 0], [0.5, 0], 1, 1, 2, 1)
      #expect(!loss[0].isFinite)
      for x in [0, 0.2, 1] as [Float] {
        vt_logistic(&loss, nil, 0, [bad, 0, 0, 0], [x, 0], 1, 1, 2, 1)
        #expect(!loss[0].isFinite)
      }
    }
  }
}
