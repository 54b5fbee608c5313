public import ArgumentParser

/// The size of a picture as pictures have it, `WIDTHxHEIGHT`.
public struct PictureSize: ExpressibleByArgument {
  public let width: Int
  public let height: Int

  public init?(argument: String) {
    // The same two numbers, the other way round.
    guard let size = ImageSize(argument: argument) else { return nil }
    (width, height) = (size.height, size.width)
  }
}

/// The shape of a row, `28x28` or `3x32x32`; all sides at least 1.
public struct RowShape: ExpressibleByArgument {
  public let dimensions: [Int]

  public init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    dimensions = sides.compactMap(\.self)
    guard dimensions.count == sides.count, dimensions.allSatisfy({ $0 > 0 }) else { return nil }
  }
}
