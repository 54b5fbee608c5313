import Testing

/// A number as the naive twin of a kernel has it, in Double, and how far f32 may be from it.
struct Bounded {
  var value: Double
  var bound: Double

  /// Half a unit in the last place of an f32 of order 1.
  static let half = 0x1p-24

  /// A sum: `roundings` halves of a unit of everything that went into it, whatever cancelled.
  static func sum(_ terms: [Double], roundings: Double = 8) -> Bounded {
    Bounded(
      value: terms.reduce(0, +),
      bound: roundings * half * terms.reduce(0) { $0 + abs($1) } + 1e-37)
  }
}

/// Compares with the twin and names the number that is furthest off.
func expectWithin<F: BinaryFloatingPoint>(
  _ values: [F], _ expected: [Bounded], _ what: String, location: SourceLocation = #_sourceLocation
) {
  #expect(values.count == expected.count, "\(what): count", sourceLocation: location)
  var worst = (excess: 1.0, text: "")
  for (index, (value, expected)) in zip(values, expected).enumerated() {
    let excess = abs(Double(value) - expected.value) / expected.bound
    if !(excess <= worst.excess) {
      worst = (excess, "\(what)[\(index)]: \(value), expected \(expected)")
    }
  }
  #expect(worst.text.isEmpty, "\(worst.text)", sourceLocation: location)
}

/// bf16 memory as numbers.
func numbers(_ packed: [UInt16]) -> [Float] { packed.map { Float(bitPattern: UInt32($0) << 16) } }

extension [Bounded] {
  /// The same after rounding to bf16, which keeps 8 bits.
  var asBF16: [Bounded] {
    map { Bounded(value: $0.value, bound: $0.bound + abs($0.value) * 0x1p-8 + 1e-40) }
  }
}
