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

  /// The axes a stored array may have at most; NumPy has room for no more.
  public static let maximumAxes = 64

  /// As Python prints a tuple: `(10, 3)`, `(5,)`, `()`.
  public var description: String { Self.tuple(dimensions.map(String.init)) }

  /// The same for messages, at a length that is fit for them.
  static func describe(_ dimensions: [Int]) -> String {
    tuple(dimensions.prefix(32).map(String.init) + (dimensions.count > 32 ? ["..."] : []))
  }

  private static func tuple(_ items: [String]) -> String {
    let list = items.joined(separator: ", ")
    return items.count == 1 ? "(\(list),)" : "(\(list))"
  }
}

/// Why a list of dimensions is no shape.
public enum ShapeError: Error, Hashable, CustomStringConvertible {
  case negative([Int])
  case overflow([Int])
  /// More than `Shape.maximumAxes`.
  case tooManyAxes([Int])

  public var description: String {
    switch self {
    case .negative(let dimensions):
      "the shape \(Shape.describe(dimensions)) has a negative dimension"
    case .overflow(let dimensions):
      "the shape \(Shape.describe(dimensions)) holds more than can be addressed"
    case .tooManyAxes(let dimensions):
      "the shape \(Shape.describe(dimensions)) has \(dimensions.count) axes, at most "
        + "\(Shape.maximumAxes) are possible"
    }
  }
}
