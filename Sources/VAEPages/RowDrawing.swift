import VAECore

/// How the page draws a row.
enum RowDrawing: Encodable, Equatable {
  case picture(channels: Int, height: Int, width: Int, channelsLast: Bool)
  /// `count` curves of so many values, (length, count).
  case curves(length: Int, count: Int)
  /// A bar for each value.
  case bars

  /// Squares with shorter sides than this are tables, not pictures.
  private static let leastSide = 8
  /// More values than this are a curve.
  private static let mostBars = 64

  /// As the model sees its rows, or as pictures of `size`.
  ///
  /// - Throws: `GridError` where rows are no pictures of that size.
  init(_ configuration: VAEConfiguration, size: PixelSize?, hasNames: Bool) throws {
    let (shape, layout) = (configuration.inputShape, configuration.convolution?.layout)
    let count = shape.reduce(1, *)
    func picture(_ size: PixelSize? = nil, channelsLast: Bool = false) throws -> RowDrawing {
      let image = try ImageShape(
        rowShape: shape, size: size, channelsLast: channelsLast, name: "the model's rows")
      return .picture(
        channels: image.channels, height: image.height, width: image.width,
        channelsLast: channelsLast)
    }
    let isLast = layout == .channelsLast
    if let size {
      self = try picture(size, channelsLast: isLast)
    } else if layout == .series {
      self = .curves(length: shape[0], count: count / shape[0])
    } else if !hasNames, shape.count > 1 || count >= Self.leastSide * Self.leastSide,
      let picture = (try? picture(channelsLast: isLast)) ?? (try? picture(channelsLast: true))
    {
      self = picture
    } else {
      self = count <= Self.mostBars ? .bars : .curves(length: count, count: 1)
    }
  }
}
