public import VAECore

/// Why there is no plot. `name` is the stream or file.
public enum PlotError: Failure, Equatable {
  case noPoints(name: String)
  case notPlane(name: String, rowSize: Int)
  case noMetric(String)
  case noRoom(width: Int, height: Int)
  case tooLarge(PixelSize)
  /// cairo refused, in its own words.
  case library(String)

  public var kind: FailureKind {
    switch self {
    case .library: .bug
    case .noRoom, .tooLarge: .usage
    default: .badData
    }
  }

  public var description: String {
    switch self {
    case .noPoints(let name):
      "\(name): no rows, expected at least one point"
    case .notPlane(let name, let rowSize):
      "\(name): expected rows of 2 values, got \(rowSize); pca or tsne makes two of them"
    case .noMetric(let metric):
      "no record has the metric \(metric)"
    case .noRoom(let width, let height):
      "a picture of \(width)x\(height) pixels leaves no room for the plot"
    case .tooLarge(let size):
      "expected at most \(Canvas.maximumSide) pixels a side, got \(size.width)x\(size.height)"
    case .library(let message):
      "cairo: \(message)"
    }
  }
}
