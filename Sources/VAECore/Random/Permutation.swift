/// A sequence of random words drawn from one `Noise` stream, for algorithms that need an unknown
/// number of draws. It can be used wherever Swift takes a `RandomNumberGenerator`.
public struct NoiseGenerator: RandomNumberGenerator, Sendable {
  private let noise: Noise
  private let row: UInt64
  private var block: UInt32 = 0
  private var words = SIMD4<UInt32>()
  private var used = 4

  /// The generator of row `row` of `noise`; generators of different rows are independent.
  public init(_ noise: Noise, row: UInt64 = 0) {
    self.noise = noise
    self.row = row
  }

  public mutating func next() -> UInt64 {
    if used == 4 {
      words = noise.words(row: row, block: block)
      block &+= 1
      used = 0
    }
    defer { used += 2 }
    return UInt64(words[used]) | UInt64(words[used + 1]) << 32
  }

  /// A value in [0, 1) with 24 random bits, the most a `Float` holds evenly.
  public mutating func nextUnit() -> Float {
    Float(next() >> 40) * 0x1p-24
  }

  /// A whole number in 0..<bound, without bias (Lemire, "Fast random integer generation in an
  /// interval", 2019).
  public mutating func next(below bound: UInt64) -> UInt64 {
    precondition(bound > 0)
    while true {
      let (high, low) = next().multipliedFullWidth(by: bound)
      if low >= bound || low >= (0 &- bound) % bound { return high }
    }
  }
}

/// A random order of 0..<count: Fisher and Yates' shuffle, a pure function of `noise`.
public func permutation(of count: Int, noise: Noise) -> [UInt32] {
  var order = (0..<UInt32(count)).map { $0 }
  var generator = NoiseGenerator(noise)
  for last in stride(from: count - 1, to: 0, by: -1) {
    order.swapAt(last, Int(generator.next(below: UInt64(last) + 1)))
  }
  return order
}
