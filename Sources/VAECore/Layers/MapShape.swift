/// A map of places with channels, as convolutions have it; in memory the channels of a place lie side
/// by side, [height, width, channels]. A series is a map of height 1.
public struct MapShape: Hashable, Sendable {
  public let height: Int
  public let width: Int
  public let channels: Int

  public init(height: Int, width: Int, channels: Int) {
    self.height = height
    self.width = width
    self.channels = channels
  }

  public var places: Int { height * width }
  public var count: Int { places * channels }
  /// As the shape of an edge.
  public var shape: [Int] { [height, width, channels] }

  /// How an array [outer, channels, height, width, inner] of files lies in memory; nil where that is
  /// no different.
  func order(outer: Int, inner: Int = 1) -> ChannelOrder? {
    channels == 1 || places == 1
      ? nil : ChannelOrder(outer: outer, channels: channels, places: places, inner: inner)
  }
}

/// How windows lie on a map, along each side.
public struct WindowShape: Hashable, Sendable {
  public struct Side: Hashable, Sendable {
    public let kernel: Int
    public let stride: Int
    public let padding: Int

    public init(kernel: Int, stride: Int, padding: Int) {
      self.kernel = kernel
      self.stride = stride
      self.padding = padding
    }

    /// Kernel 3, stride 1, padding 1: as many windows as places.
    public static let sameSize = Side(kernel: 3, stride: 1, padding: 1)

    /// How many windows lie along `size` places.
    public func windows(on size: Int) -> Int { (size + 2 * padding - kernel) / stride + 1 }
  }

  public let vertical: Side
  public let horizontal: Side

  /// Square windows, or for a series, of height 1.
  public init(_ side: Side, isSeries: Bool = false) {
    vertical = isSeries ? Side(kernel: 1, stride: 1, padding: 0) : side
    horizontal = side
  }

  public var places: Int { vertical.kernel * horizontal.kernel }

  /// The map with a place for each window.
  public func windows(on map: MapShape, channels: Int) -> MapShape {
    MapShape(
      height: vertical.windows(on: map.height), width: horizontal.windows(on: map.width),
      channels: channels)
  }
}
