/// A grid of pictures on its way into a PNG file: `columns` side by side, as many rows as it takes,
/// `padding` pixels around each, captions at the left and above. One picture alone stands without
/// padding.
final class GridCanvas {
  let total: Int
  /// Pictures side by side: fewer than asked for when there are not so many.
  let columns: Int
  private let shape: ImageShape
  private let scale: Int
  private let padding: Int
  private let padByte: UInt8
  private let captions: GridCaptions
  private let png: PNGWriter
  private var drawn = 0
  /// [the grid's width, channels]
  private var line: [UInt8]

  /// Writes the PNG header.
  init(total: Int, shape: ImageShape, options: GridOptions, to sink: ByteSink, name: String) throws
  {
    self.total = total
    self.shape = shape
    scale = options.scale
    columns = min(options.columns, total)
    padding = total == 1 ? 0 : options.padding
    padByte = PixelQuantizer.byte(Float(options.padValue))
    let rows = (total - 1) / columns + 1
    guard
      let width = Self.side(cells: columns, of: shape.width, scale: scale, padding: padding),
      let height = Self.side(cells: rows, of: shape.height, scale: scale, padding: padding)
    else { throw GridError.tooLarge(name: name) }
    captions = try GridCaptions(
      rows: options.rowCaptions, columns: options.columnCaptions, gridRows: rows,
      gridColumns: columns,
      cell: PixelSize(width: shape.width * scale + padding, height: shape.height * scale),
      scale: scale, name: name)
    let whole = width.addingReportingOverflow(captions.left)
    let high = height.addingReportingOverflow(captions.top)
    guard !whole.overflow, !high.overflow else { throw GridError.tooLarge(name: name) }
    png = try PNGWriter(
      to: sink, width: whole.partialValue, height: high.partialValue, channels: shape.channels)
    line = [UInt8](repeating: padByte, count: png.width * shape.channels)
    for y in 0..<captions.top {
      clear()
      captions.columnInk(
        y: y, width: shape.width * scale,
        start: { captions.left + padding + $0 * (shape.width * scale + padding) }, ink: fill)
      try write()
    }
  }

  /// Draws one row of the grid: `columns` pictures, or as many as are left.
  func draw(_ pictures: UnsafePointer<UInt8>, count: Int) throws {
    let rowBytes = shape.width * shape.channels
    let pitch = (shape.width * scale + padding) * shape.channels
    try drawPadding()
    clear()
    for y in 0..<(shape.height * scale) {
      if y % scale == 0 {
        for index in 0..<count {
          copy(
            pictures + index * shape.count + y / scale * rowBytes,
            to: (captions.left + padding) * shape.channels + index * pitch)
        }
      }
      if captions.left > 0 {
        clear(captions.left)
        captions.rowInk(row: drawn / columns, y: y, height: shape.height * scale, ink: fill)
      }
      try write()
    }
    drawn += count
    if drawn == total {
      try drawPadding()
      try png.finish()
    }
  }

  /// Copies a line of a picture, each pixel `scale` times.
  private func copy(_ source: UnsafePointer<UInt8>, to start: Int) {
    let bytes = shape.width * shape.channels
    line.withUnsafeMutableBufferPointer { line in
      guard scale > 1 else {
        _ = UnsafeMutableBufferPointer(rebasing: line[start..<(start + bytes)])
          .update(fromContentsOf: UnsafeBufferPointer(start: source, count: bytes))
        return
      }
      var target = start
      for pixel in stride(from: 0, to: bytes, by: shape.channels) {
        for _ in 0..<scale {
          for channel in 0..<shape.channels { line[target + channel] = source[pixel + channel] }
          target += shape.channels
        }
      }
    }
  }

  /// Makes pixels of the line ink: white where the padding is dark, and black where it is light.
  private func fill(_ pixels: Range<Int>) {
    for pixel in pixels.clamped(to: 0..<png.width) {
      for channel in 0..<shape.channels {
        line[pixel * shape.channels + channel] = channel == 3 || padByte < 128 ? 255 : 0
      }
    }
  }

  private func drawPadding() throws {
    clear()
    for _ in 0..<padding { try write() }
  }

  /// Makes the first pixels of the line padding; nil is all.
  private func clear(_ pixels: Int? = nil) {
    for index in 0..<(pixels.map { $0 * shape.channels } ?? line.count) { line[index] = padByte }
  }

  private func write() throws { try line.withUnsafeBufferPointer(png.write(row:)) }

  private static func side(cells: Int, of side: Int, scale: Int, padding: Int) -> Int? {
    let (image, overflow1) = side.multipliedReportingOverflow(by: scale)
    let (cell, overflow2) = image.addingReportingOverflow(padding)
    let (product, overflow3) = cell.multipliedReportingOverflow(by: cells)
    let (whole, overflow4) = product.addingReportingOverflow(padding)
    return overflow1 || overflow2 || overflow3 || overflow4 ? nil : whole
  }
}
