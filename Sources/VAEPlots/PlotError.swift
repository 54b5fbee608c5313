public import VAECore

/// Why there is no plot. `name` is the stream or file.
public enum PlotError: Failure, Equatable {
  case noPoints(name: String)
  case notPlane(name: String, rowSize: Int)
  /// Labels that are not one for each row.
  case labelShape(name: String, rowShape: [Int])
  case labelCount(name: String, expected: Int, got: Int)
  /// Names for other than each class.
  case nameCount(expected: Int, got: Int)
  /// A line of metrics that is no JSON object.
  case notARecord(name: String, line: Int, got: String)
  case noEpochs(name: String)
  case noMetric(String)
  case noRoom(width: Int, height: Int)
  case tooLarge(PixelSize)
  /// cairo refused, in its own words.
  case library(String)

  public var kind: FailureKind {
    switch self {
    case .library: .bug
    case .noRoom, .tooLarge, .nameCount: .usage
    default: .badData
    }
  }

  public var description: String {
    switch self {
    case .noPoints(let name):
      "\(name): no rows, expected at least one point"
    case .notPlane(let name, let rowSize):
      "\(name): expected rows of 2 values, got \(rowSize); pca or tsne makes two of them"
    case .labelShape(let name, let rowShape):
      "\(name): expected one label a row, got rows of shape \(rowShape)"
    case .labelCount(let name, let expected, let got):
      "\(name): expected \(expected) labels, one for each point, got \(got)"
    case .nameCount(let expected, let got):
      "the names: expected \(expected) names, one for each label there is, got \(got)"
    case .notARecord(let name, let line, let got):
      "\(name): line \(line): expected a JSON object, as a training log has them, got \(got)"
    case .noEpochs(let name):
      "\(name): no records of epochs, expected those of a training log"
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
