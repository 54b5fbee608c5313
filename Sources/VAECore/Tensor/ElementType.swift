/// What one element of a tensor stream is: the NumPy type codes a stream may carry.
public enum ElementType: String, Sendable, CaseIterable {
  case u1, i1, b1, i2, i4, i8, u2, u4, u8, f2, f4, f8

  /// Bytes an element takes.
  public var size: Int {
    switch self {
    case .u1, .i1, .b1: 1
    case .i2, .u2, .f2: 2
    case .i4, .u4, .f4: 4
    case .i8, .u8, .f8: 8
    }
  }

  /// Whether it can hold infinities and NaN.
  public var isFloatingPoint: Bool {
    switch self {
    case .f2, .f4, .f8: true
    default: false
    }
  }

  /// The type as `np.save` spells it: `|u1`, `<f4`.
  public var descriptor: String { (size == 1 ? "|" : "<") + rawValue }
}
