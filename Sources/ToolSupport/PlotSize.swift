public import ArgumentParser

/// The size of a picture to be made, `WIDTHxHEIGHT`, as programs that make pictures take it.
public struct PlotSize: ExpressibleByArgument, Sendable {
  public let width: Int
  public let height: Int

  /// At most 16384 pixels a side.
  public init?(argument: String) {
    let parts = argument.split(separator: "x", omittingEmptySubsequences: false).map { Int($0) }
    guard parts.count == 2, let width = parts[0], let height = parts[1],
      1...16_384 ~= width, 1...16_384 ~= height
    else { return nil }
    self.width = width
    self.height = height
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
