public import ArgumentParser
public import VAECore

/// Two numbers, `LOW,HIGH` or `MEAN,STD`.
public struct NumberPair: ExpressibleByArgument {
  public let first: Double
  public let second: Double

  public init(_ first: Double, _ second: Double) {
    self.first = first
    self.second = second
  }

  public var defaultValueDescription: String { "\(first),\(second)" }

  public init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = Double(parts[0]), let second = Double(parts[1]),
      first.isFinite, second.isFinite
    else { return nil }
    self.first = first
    self.second = second
  }
}

/// Whole numbers separated by commas, `512,256`.
public struct IntegerList: ExpressibleByArgument {
  public let values: [Int]

  public init(_ values: [Int]) { self.values = values }

  public var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }

  public init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
    let values = parts.compactMap(\.self)
    guard values.count == parts.count else { return nil }
    self.values = values
  }
}

/// Widths of hidden layers, `512,256` or `none`.
public struct HiddenWidths: ExpressibleByArgument {
  public let values: [Int]

  public init?(argument: String) {
    guard let list = argument == "none" ? IntegerList([]) : IntegerList(argument: argument)
    else { return nil }
    values = list.values
  }
}

/// Words separated by commas, `zero,one,two`.
public struct WordList: ExpressibleByArgument, Sendable {
  public let words: [String]

  public init?(argument: String) {
    words = argument.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    if words.contains("") { return nil }
  }
}

/// The shape of a row, `28x28` or `3x32x32`; all sides at least 1, and a product that can
/// be counted.
public struct RowShape: ExpressibleByArgument {
  public let dimensions: [Int]

  public init?(argument: String) {
    let sides = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    dimensions = sides.compactMap(\.self)
    guard dimensions.count == sides.count, dimensions.allSatisfy({ $0 > 0 }),
      (try? Shape(dimensions)) != nil
    else { return nil }
  }

  /// As the size of a picture, `HEIGHTxWIDTH`; nil where there are other than two sides.
  public var size: PixelSize? {
    dimensions.count == 2 ? PixelSize(width: dimensions[1], height: dimensions[0]) : nil
  }
}

/// The size of a picture to be made, `WIDTHxHEIGHT`, as programs that make pictures take it.
extension PixelSize: ExpressibleByArgument {
  public init?(argument: String) {
    guard let sides = RowShape(argument: argument)?.dimensions, sides.count == 2 else { return nil }
    self.init(width: sides[0], height: sides[1])
  }
}
