import CKernels
import Foundation
import Testing
import VAECore

/// Each rule over twenty steps against PyTorch's formulas in Double, for parameters of odd counts
/// that arrive in pieces.
struct OptimiserTests {
  static let rules: [(String, OptimiserOptions)] = [
    ("adam", options { _ in }),
    (
      "adam, L2",
      options { ($0.beta1, $0.beta2, $0.epsilon, $0.weightDecay) = (0.8, 0.95, 1e-6, 0.1) }
    ),
    ("adamw", options { ($0.rule, $0.weightDecay) = (.adamw, 0.1) }),
    ("rmsprop", options { ($0.rule, $0.weightDecay) = (.rmsprop, 0.01) }),
    ("sgd", options { $0.rule = .sgd }),
    ("momentum", options { ($0.rule, $0.momentum, $0.weightDecay) = (.sgd, 0.9, 0.1) }),
    ("nesterov", options { ($0.rule, $0.momentum, $0.nesterov) = (.sgd, 0.9, true) }),
  ]

  private static func options(_ set: (inout OptimiserOptions) -> Void) -> OptimiserOptions {
    var options = OptimiserOptions()
    options.learningRate = 0.01
    set(&options)
    return options
  }

  /// One parameter as PyTorch's documentation has the rules.
  struct Twin {
    let options: OptimiserOptions
    var p: Double
    var m = 0.0
    var v = 0.0
    var t = 0.0

    init(_ options: OptimiserOptions, _ p: Float) {
      self.options = options
      self.p = Double(p)
    }

    mutating func step(_ gradient: Double) {
      let o = options
      var g = gradient
      t += 1
      if o.rule == .adamw {
        p -= o.learningRate * o.weightDecay * p
      } else {
        g += o.weightDecay * p
      }
      switch o.rule {
      case .adam, .adamw:
        m = o.beta1 * m + (1 - o.beta1) * g
        v = o.beta2 * v + (1 - o.beta2) * g * g
        let (mean, square) = (m / (1 - pow(o.beta1, t)), v / (1 - pow(o.beta2, t)))
        p -= o.learningRate * mean / (square.squareRoot() + o.epsilon)
      case .rmsprop:
        v = 0.99 * v + 0.01 * g * g
        p -= o.learningRate * g / (v.squareRoot() + o.epsilon)
      case .sgd:
        m = o.momentum * m + g
        p -= o.learningRate * (o.nesterov ? g + o.momentum * m : m)
      }
    }
  }

  private func gradient(_ count: Int, step: Int) -> [Float] {
    var g = [Float](repeating: 0, count: count)
    Noise(seed: 9, purpose: .sample, step: UInt32(step))
      .normals(into: &g, rows: 1, columns: count, stride: count)
    // Of very different sizes, and one that is always zero.
    for i in g.indices { g[i] *= i % 5 == 4 ? 0 : [1, 1e-3, 100, 0.1][i % 4] }
    return g
  }

  @Test(arguments: rules.indices, [1, 3, 16, 17, 257])
  func rulesAreTheFormulas(_ rule: Int, count: Int) throws {
    let options = Self.rules[rule].1
    let store = try ParameterStore([
      .init(name: "w", shape: [count], initialiser: .uniform(bound: 1))
    ])
    store.initialise(seed: 3)
    try store.refreshCopy()
    var twins = store[0].map { Twin(options, $0) }
    let optimiser = try Optimiser(store, options: options, tasks: 2)
    for step in 1...20 {
      var g = gradient(count, step: step)
      optimiser.begin(step: step, learningRate: options.learningRate)
      g.withUnsafeMutableBufferPointer { g in
        guard let base = g.baseAddress else { return }
        let half = count / 2
        optimiser.accept(base + half, offset: half, count: count - half, task: 1)
        optimiser.accept(base, offset: 0, count: half, task: 0)
      }
      let norm = g.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      expectClose([optimiser.gradientNorm], [norm], relative: 1e-5, absolute: 1e-30, "norm")
      for i in twins.indices { twins[i].step(Double(g[i])) }
    }
    // Twenty steps, each with the rounding of a number of order 1 and of a step of order 0.1.
    expectClose(
      Array(store[0]), twins.map { $0.p }, relative: 3e-6, absolute: 3e-6, Self.rules[rule].0)
    var copy = [UInt16](repeating: 0, count: count)
    vt_bf16_from_f32(&copy, Array(store[0]), count)
    let kept = try #require(store.copy)
    #expect(Array(kept.buffer[..<count]) == copy)
  }

  @Test func frozenRunsAreStepsOver() throws {
    let store = try ParameterStore([
      .init(name: "a", shape: [20], initialiser: .uniform(bound: 1)),
      .init(name: "b", shape: [7], initialiser: .uniform(bound: 1), joined: true),
      .init(name: "c", shape: [5], initialiser: .uniform(bound: 1), joined: true),
    ])
    store.initialise(seed: 3)
    store.freeze { $0 == "b" }
    let before = store.values.buffer.map { $0 }
    let optimiser = try Optimiser(store, options: OptimiserOptions(), tasks: 1)
    optimiser.begin(step: 1, learningRate: 0.1)
    var gradient = [Float](repeating: 2, count: 32)
    gradient[22] = .nan  // of what is frozen, nobody cares
    optimiser.accept(&gradient, offset: 0, count: 32, task: 0)
    for i in 0..<32 {
      #expect((store.values.base[i] == before[i]) == (20..<27 ~= i), "\(i)")
    }
    expectClose([optimiser.gradientNorm], [(25.0 * 4).squareRoot()], relative: 1e-6, "norm")
  }

  @Test func badGradientsHaveNoFiniteNorm() throws {
    for (_, options) in Self.rules {
      let store = try ParameterStore([
        .init(name: "w", shape: [3], initialiser: .constant(1))
      ])
      let optimiser = try Optimiser(store, options: options, tasks: 1)
      for bad in [Float.nan, .infinity, 3e38] {
        optimiser.begin(step: 1, learningRate: 0.1)
        var gradient: [Float] = [1, bad, 1]
        optimiser.accept(&gradient, offset: 0, count: 3, task: 0)
        #expect(!optimiser.gradientNorm.isFinite)
      }
    }
  }
}
