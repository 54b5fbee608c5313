/// Why rows cannot be drawn as a grid of pictures. `name` is the stream they came from.
public enum GridError: Failure, Equatable {
  /// A stream without rows.
  case noPictures(name: String)
  /// Rows whose shape is no picture's.
  case noPictureShape(name: String, rowShape: [Int])
  /// Flat rows that are no squares.
  case notSquare(name: String, count: Int)
  /// Rows that do not hold 1, 3 or 4 channels of the size asked for.
  case otherSize(name: String, count: Int, height: Int, width: Int)
  /// More pictures than the stream's first header declared, when drawing had to begin.
  case streamGoesOn(name: String, declared: Int)
  /// A side of the grid that cannot be counted.
  case tooLarge(name: String)
  /// A caption with a letter that is not printable ASCII.
  case noLetter(caption: String)
  /// More captions than rows or columns of the grid.
  case tooManyCaptions(name: String, what: String, most: Int, got: Int)
  /// A caption larger than its images, `side` is `wide` or `high`; they would do at `scale`.
  case noRoom(caption: String, needed: Int, side: String, got: Int, scale: Int)

  public var kind: FailureKind { if case .noLetter = self { .usage } else { .badData } }

  public var description: String {
    switch self {
    case .noPictures(let name):
      "\(name): no rows, expected at least one picture"
    case .noPictureShape(let name, let rowShape):
      "\(name): expected rows of shape (H, W), (C, H, W) with 1, 3 or 4 channels, or flat, got "
        + "\(Shape.describe(rowShape))"
    case .notSquare(let name, let count):
      "\(name): rows of \(count) values are no squares of 1 or 3 channels"
    case .otherSize(let name, let count, let height, let width):
      "\(name): expected rows of 1, 3 or 4 channels of "
        + "\(PixelSize(width: width, height: height)), got \(count) values"
    case .streamGoesOn(let name, let declared):
      "\(name): the stream goes on after the \(declared) rows its first header declares, "
        + "and the picture is too large to wait for the end; make it one array first"
    case .tooLarge(let name):
      "\(name): the grid is larger than a PNG picture can be"
    case .noLetter(let caption):
      "captions are made of printable ASCII, got \(String.quoting(caption.utf8))"
    case .tooManyCaptions(let name, let what, let most, let got):
      "\(name): expected at most \(most) \(what) \(most == 1 ? "caption" : "captions"), one for each "
        + "\(what) of the grid, got \(got)"
    case .noRoom(let caption, let needed, let side, let got, _):
      "the caption \(String.quoting(caption.utf8)) needs images \(needed) pixels \(side), got "
        + "\(got)"
    }
  }
}
