/// What can go wrong with a PNG picture.
public enum PNGError: Failure, Equatable {
  /// The picture would have a side of 0 or of more than 2³¹ − 1 pixels.
  case size(width: Int, height: Int)
  /// 8-bit pictures have 1 (grey), 3 (RGB) or 4 (RGBA) channels.
  case channels(Int)
  /// A row of another length than the picture's.
  case rowLength(expected: Int, got: Int)
  /// More or fewer rows than the header says.
  case rowCount(expected: Int, got: Int)
  /// Bytes that are no PNG picture, or not one to read.
  case unreadable(name: String, detail: String)
  /// libpng refused, in its own words.
  case library(String)

  public var kind: FailureKind {
    switch self {
    case .size, .channels, .unreadable: .badData
    case .rowLength, .rowCount, .library: .bug
    }
  }

  public var description: String {
    switch self {
    case .size(let width, let height):
      "a PNG picture is at least 1x1 and at most 2147483647 pixels a side, not \(width)x\(height)"
    case .channels(let channels):
      "expected pictures of 1, 3 or 4 channels, got \(channels)"
    case .rowLength(let expected, let got):
      "expected a row of \(expected) bytes for the PNG picture, got \(got)"
    case .rowCount(let expected, let got):
      "expected \(expected) rows for the PNG picture, got \(got)"
    case .unreadable(let name, let detail):
      "\(name): \(detail)"
    case .library(let message):
      "libpng: \(message)"
    }
  }
}
