/// How a row of numbers is a picture.
public struct ImageShape: Sendable, Equatable {
  /// 1 (grey), 3 (RGB) or 4 (RGBA).
  public let channels: Int
  public let height: Int
  public let width: Int
  /// Whether a pixel's channels stand together, (H, W, C), or apart, (C, H, W).
  public let channelsLast: Bool

  /// Values a picture holds.
  public var count: Int { channels * height * width }

  /// Sees rows of the shape `rowShape` as pictures: (H, W) and (C, H, W) as they are; flat rows as
  /// squares, grey when the count is a square number and RGB when a third of it is; rows of any
  /// shape as `size` says, with as many channels as the count then gives.
  /// - Parameter name: the stream, for messages.
  /// - Throws: `GridError` when the rows are no pictures of 1, 3 or 4 channels.
  public init(
    rowShape: [Int], size: PixelSize? = nil, channelsLast: Bool = false,
    name: String
  ) throws {
    let count = rowShape.reduce(1, *)  // a reader's row shape has been checked
    self.channelsLast = channelsLast
    if let size {
      let (area, overflow) = size.height.multipliedReportingOverflow(by: size.width)
      guard !overflow, area > 0, count % area == 0, [1, 3, 4].contains(count / area) else {
        throw GridError.otherSize(
          name: name, count: count, height: size.height, width: size.width)
      }
      (channels, height, width) = (count / area, size.height, size.width)
      return
    }
    switch rowShape.count {
    case 1:
      guard let (channels, side) = Self.square(of: count) else {
        throw GridError.notSquare(name: name, count: count)
      }
      (self.channels, height, width) = (channels, side, side)
    case 2:
      (channels, height, width) = (1, rowShape[0], rowShape[1])
    case 3 where channelsLast:
      (height, width, channels) = (rowShape[0], rowShape[1], rowShape[2])
    case 3:
      (channels, height, width) = (rowShape[0], rowShape[1], rowShape[2])
    default:
      throw GridError.noPictureShape(name: name, rowShape: rowShape)
    }
    guard [1, 3, 4].contains(channels), height > 0, width > 0 else {
      throw GridError.noPictureShape(name: name, rowShape: rowShape)
    }
  }

  /// The square of 1 or 3 channels with `count` values. Three squares are never one, so there is no
  /// doubt which is meant; four always are, and stay grey.
  private static func square(of count: Int) -> (channels: Int, side: Int)? {
    for channels in [1, 3] where count % channels == 0 {
      let side = Int(Double(count / channels).squareRoot())
      if side > 0, side * side == count / channels { return (channels, side) }
    }
    return nil
  }
}
