public import ArgumentParser

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

/// The size of a picture, `HEIGHTxWIDTH`.
public struct ImageSize: ExpressibleByArgument {
  public let height: Int
  public let width: Int

  public init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let height = parts[0], let width = parts[1], height > 0, width > 0
    else { return nil }
    self.height = height
    self.width = width
  }
}
