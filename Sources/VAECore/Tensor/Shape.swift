/// The extents of a row-major array, axis 0 first, with a product that is known not to overflow.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
  public let dimensions: [Int]
  /// Elements in all.
  public let count: Int

  /// Throws when a dimension is negative, or when the elements cannot be counted in an `Int`.
  ///
  /// Axes of length zero are left out of the check, as NumPy does: (2⁴⁰, 2⁴⁰, 0) is refused though
  /// it holds nothing, because parts of it could not be addressed.
  public init(_ dimensions: [Int]) throws(ShapeError) {
    var product = 1
    for dimension in dimensions where dimension != 0 {
      guard dimension > 0 else { throw .negative(dimensions) }
      let (next, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { throw .overflow(dimensions) }
      product = next
    }
    self.dimensions = dimensions
    count = dimensions.contains(0) ? 0 : product
  }

  /// Bytes the array takes with elements of `type`.
  public func byteCount(of type: ElementType) throws(ShapeError) -> Int {
    let (bytes, overflow) = count.multipliedReportingOverflow(by: type.size)
    guard !overflow else { throw .overflow(dimensions) }
    return bytes
  }

  /// As Python prints a tuple: `(10, 3)`, `(5,)`, `()`.
  public var description: String { Self.describe(dimensions) }

  static func describe(_ dimensions: [Int]) -> String {
    let shown = dimensions.prefix(32).map(String.init) + (dimensions.count > 32 ? ["..."] : [])
    let list = shown.joined(separator: ", ")
    return dimensions.count == 1 ? "(\(list),)" : "(\(list))"
  }
}

/// Why a list of dimensions is no shape.
public enum ShapeError: Error, Hashable, CustomStringConvertible {
  case negative([Int])
  case overflow([Int])

  public var description: String {
    switch self {
    case .negative(let dimensions):
      "the shape \(Shape.describe(dimensions)) has a negative dimension"
    case .overflow(let dimensions):
      "the shape \(Shape.describe(dimensions)) holds more than can be addressed"
    }
  }
}
