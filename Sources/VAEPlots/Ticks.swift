import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The round numbers in a range, 1, 2 or 5 times a power of ten apart, and how they are written.
package struct Ticks: Equatable {
  package let values: [Double]
  package let labels: [String]

  /// - Parameter count: about how many there should be.
  package init(low: Double, high: Double, count: Int, whole: Bool = false) {
    let step = Self.step(low: low, high: high, count: count, whole: whole)
    let first = (low / step - 1e-9).rounded(.up)
    let last = (high / step + 1e-9).rounded(.down)
    let steps = first <= last ? Int(min(last - first, 1000)) : -1
    values = (0..<(steps + 1)).map { (first + Double($0)) * step }
    labels = Self.write(values, step: step)
  }

  /// Powers of ten, where there are two or more, else other round numbers, at their logarithms.
  package init(powersFrom low: Double, to high: Double, count: Int) {
    let powers = Ticks(low: low, high: high, count: count, whole: true)
    if powers.values.count > 1 {
      values = powers.values
      labels = values.map { "1e\(Int($0))" }
      return
    }
    let plain = Ticks(low: pow(10, low), high: pow(10, high), count: count)
    let shown = zip(plain.values, plain.labels).filter { $0.0 > 0 }
    values = shown.map { log10($0.0) }
    labels = shown.map(\.1)
  }

  /// The step that comes nearest to `count` ticks.
  static func step(low: Double, high: Double, count: Int, whole: Bool = false) -> Double {
    let rough = (high - low) / Double(max(count, 1))
    guard rough > 0, rough.isFinite else { return 1 }
    let unit = pow(10, log10(rough).rounded(.down))
    func error(_ step: Double) -> Double { log(step / rough).magnitude }
    let step = [unit, 2 * unit, 5 * unit, 10 * unit].min { error($0) < error($1) } ?? unit
    return whole ? max(step, 1) : step
  }

  /// All with as many digits as tell them apart; great and small ones with an exponent.
  private static func write(_ values: [Double], step: Double) -> [String] {
    let largest = values.reduce(0.0) { max($0, $1.magnitude) }
    guard largest > 0 else { return values.map { _ in "0" } }
    let exponent = Int((log10(largest) + 1e-9).rounded(.down))
    let stepExponent = Int((log10(step) + 1e-9).rounded(.down))
    if -4...5 ~= exponent {
      return values.map { signed($0, digits: max(0, -stepExponent)) }
    }
    let unit = pow(10, Double(exponent))
    return values.map {
      $0 == 0 ? "0" : signed($0 / unit, digits: max(0, exponent - stepExponent)) + "e\(exponent)"
    }
  }

  private static func signed(_ value: Double, digits: Int) -> String {
    let text = fixed(value.magnitude, min(digits, 15))
    let isZero = text.allSatisfy { $0 == "0" || $0 == "." }
    return value < 0 && !isZero ? "\u{2212}" + text : text
  }
}
