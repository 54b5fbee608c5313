/// Limited-memory BFGS for smooth convex functions of many variables (Liu and Nocedal, "On the
/// limited memory BFGS method for large scale optimization", 1989), with a line search for the
/// strong Wolfe conditions.
struct LBFGS {
  enum Outcome: String, Codable, Sendable {
    /// No component of the gradient exceeds the tolerance.
    case converged
    /// The function's rounding hides any further descent.
    case exhausted
    /// The iterations allowed are used up.
    case stopped
  }

  /// Pairs of steps and gradient changes that are kept.
  static let history = 20
  private static let sufficientDecrease = 1e-4
  private static let curvature = 0.9
  private static let mostTrials = 15

  var maximumIterations: Int
  var tolerance: Double
  /// By what share of its value the function may be wrong.
  var precision = 1e-8

  private struct Pair {
    var step: [Double]
    var change: [Double]
    /// 1 / ⟨step, change⟩
    var inverse: Double
  }

  private struct Point {
    var x: [Double]
    var gradient: [Double]
    var value: Double
  }

  /// Minimises from `x` on, which becomes the best point found.
  ///
  /// - Parameters:
  ///   - function: the value at a point, and the gradient, of which every component is set.
  ///   - report: called after each iteration with its number and value.
  /// - Returns: how it ended, after how many iterations.
  func minimise(
    _ x: inout [Double], _ function: ([Double], inout [Double]) throws -> Double,
    report: (Int, Double) -> Void = { _, _ in }
  ) rethrows -> (outcome: Outcome, iterations: Int) {
    var at = Point(x: x, gradient: x, value: 0)
    at.value = try function(at.x, &at.gradient)
    var pairs: [Pair] = []
    defer { x = at.x }
    for iteration in 0..<maximumIterations {
      if norm(at.gradient) <= tolerance { return (.converged, iteration) }
      var next = try search(from: at, along: direction(at.gradient, pairs), function)
      if next == nil, !pairs.isEmpty {
        pairs = []
        next = try search(from: at, along: direction(at.gradient, pairs), function)
      }
      guard let next else { return (.exhausted, iteration) }
      let step = zip(next.x, at.x).map { $0 - $1 }
      let change = zip(next.gradient, at.gradient).map { $0 - $1 }
      let product = dot(step, change)
      if product > 0 {
        if pairs.count == Self.history { pairs.removeFirst() }
        pairs.append(Pair(step: step, change: change, inverse: 1 / product))
      }
      at = next
      report(iteration + 1, at.value)
    }
    return (norm(at.gradient) <= tolerance ? .converged : .stopped, maximumIterations)
  }

  /// −H·g by the two-loop recursion.
  private func direction(_ gradient: [Double], _ pairs: [Pair]) -> [Double] {
    var d = gradient.map { -$0 }
    var alphas: [Double] = []
    for pair in pairs.reversed() {
      let alpha = pair.inverse * dot(pair.step, d)
      add(&d, pair.change, times: -alpha)
      alphas.append(alpha)
    }
    if let last = pairs.last {
      let scale = 1 / (last.inverse * dot(last.change, last.change))
      for i in d.indices { d[i] *= scale }
    }
    for (pair, alpha) in zip(pairs, alphas.reversed()) {
      add(&d, pair.step, times: alpha - pair.inverse * dot(pair.change, d))
    }
    return d
  }

  /// A point along `d` that satisfies the strong Wolfe conditions, up to the function's rounding:
  /// the step grows until it brackets one, then cubic interpolation narrows the bracket. Nil where
  /// there is none to be found.
  private func search(
    from start: Point, along d: [Double],
    _ function: ([Double], inout [Double]) throws -> Double
  ) rethrows -> Point? {
    let slope = dot(start.gradient, d)
    guard slope < 0 else { return nil }
    let slack = precision * abs(start.value)
    var low = (step: 0.0, value: start.value, slope: slope)
    var high: (step: Double, value: Double, slope: Double)?
    var step = 1.0
    var point = start
    for _ in 0..<Self.mostTrials {
      point.x = zip(start.x, d).map { $0 + step * $1 }
      point.value = try function(point.x, &point.gradient)
      let here = (step: step, value: point.value, slope: dot(point.gradient, d))
      let decreased =
        point.value <= start.value + Self.sufficientDecrease * step * slope + slack
      if decreased, abs(here.slope) <= -Self.curvature * slope { return point }
      // A function that is not finite there compares as one that has not decreased.
      if decreased, here.slope < 0 { low = here } else { high = here }
      guard let high else {
        step *= 4
        continue
      }
      step = low.step + (high.step - low.step) * Self.fraction(low, high)
      guard step > low.step, step < high.step else { return nil }
    }
    return nil
  }

  /// Where in the bracket the cubic through both ends has its minimum, not too near an end.
  private static func fraction(
    _ low: (step: Double, value: Double, slope: Double),
    _ high: (step: Double, value: Double, slope: Double)
  ) -> Double {
    let width = high.step - low.step
    let theta = low.slope + high.slope - 3 * (high.value - low.value) / width
    let square = theta * theta - low.slope * high.slope
    guard square >= 0 else { return 0.5 }
    let gamma = square.squareRoot()
    let t = 1 - (high.slope + gamma - theta) / (high.slope - low.slope + 2 * gamma)
    return t.isFinite ? min(max(t, 0.1), 0.9) : 0.5
  }

  private func norm(_ x: [Double]) -> Double { x.reduce(0) { max($0, abs($1)) } }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for i in a.indices { sum += a[i] * b[i] }
    return sum
  }

  private func add(_ x: inout [Double], _ y: [Double], times factor: Double) {
    for i in x.indices { x[i] += factor * y[i] }
  }
}
