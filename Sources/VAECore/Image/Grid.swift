/// How pictures are laid out, with torchvision's defaults.
public struct GridOptions: Sendable, Equatable {
  /// Pictures side by side, at least 1.
  public var columns = 8
  /// Pixels around each picture.
  public var padding = 2
  /// The value those pixels have; 1 is white.
  public var padValue = 0.0
  /// Pixels of the result that a pixel of a picture takes, each way; at least 1.
  public var scale = 1
  /// Words at the left of the rows and above the columns, of printable ASCII; none is no room.
  public var rowCaptions: [String] = []
  public var columnCaptions: [String] = []
  public var scaling = PixelScaling.none

  public init() {}
}

/// Draws the rows of a tensor stream as one PNG picture, the pixels equal to those of torchvision's
/// `save_image(tensor, path, nrow:, padding:, normalize:, value_range:, scale_each:, pad_value:)`,
/// where grey pictures are stored as grey, before any captions and enlargement.
///
/// A PNG file begins with its height, so drawing begins when the number of rows is known: at the end
/// of the stream, or, once the pictures waiting take 16 MiB, on the word of the first array's header.
/// So memory does not grow with the rows, but for `PixelScaling.whole`, which has to see all values
/// before it draws one.
/// - Parameters:
///   - size: the size of a picture, where the rows' own shape does not say it.
///   - channelsLast: whether rows are (H, W, C) and not (C, H, W).
/// - Throws: `GridError`, `PNGError`, and what the reader and the sink throw.
public func writeGrid(
  of reader: TensorReader, size: PixelSize? = nil, channelsLast: Bool = false,
  options: GridOptions = GridOptions(), to sink: ByteSink
) throws {
  let shape = try ImageShape(
    rowShape: reader.rowShape, size: size, channelsLast: channelsLast, name: reader.name)
  guard options.scaling == .whole else {
    let composer = GridComposer(
      shape: shape, options: options, declared: reader.declaredRows, to: sink, name: reader.name)
    let batch = RowBatch()
    while try batch.fill(from: reader, maxRows: max(1, 65_536 / shape.count)) {
      try composer.add(batch.values)
    }
    return try composer.finish()
  }
  let store = try RowStore(reader)
  var ranged = options
  ranged.scaling = store.valueRange
  let composer = GridComposer(
    shape: shape, options: ranged, declared: store.rows, to: sink, name: store.name)
  try store.forEachRow(composer.add)
  try composer.finish()
}

extension RowStore {
  /// The range of all values, bytes standing for value/255.
  fileprivate var valueRange: PixelScaling {
    var range = (low: Double.infinity, high: -Double.infinity)
    try? forEachRow { row in
      let limits = PixelQuantizer.limits(row)
      range = (min(range.low, limits.low), max(range.high, limits.high))
    }
    return .range(low: range.low, high: range.high)
  }

  /// Calls `body` with the values of each row.
  fileprivate func forEachRow(_ body: (UnsafeBufferPointer<Float>) throws -> Void) throws {
    var converted: [Float] = []
    for row in 0..<rows {
      if let floats {
        try body(UnsafeBufferPointer(start: floats + row * rowSize, count: rowSize))
      } else if let bytes {
        let row = UnsafeBufferPointer(start: bytes + row * rowSize, count: rowSize)
        converted.removeAll(keepingCapacity: true)
        converted.append(contentsOf: row.lazy.map { Float($0) / 255 })
        try converted.withUnsafeBufferPointer(body)
      }
    }
  }
}
