/// A grid of pictures on its way into a PNG file: `columns` side by side, as many rows as it takes,
/// `padding` pixels around each. One picture alone stands without any.
final class GridCanvas {
  let total: Int
  /// Pictures side by side: fewer than asked for when there are not so many.
  let columns: Int
  private let shape: ImageShape
  private let padding: Int
  private let padByte: UInt8
  private let png: PNGWriter
  private var drawn = 0
  private var line: [UInt8]

  /// Writes the PNG header.
  init(total: Int, shape: ImageShape, options: GridOptions, to sink: ByteSink, name: String) throws
  {
    self.total = total
    self.shape = shape
    columns = min(options.columns, total)
    padding = total == 1 ? 0 : options.padding
    padByte = PixelQuantizer.byte(Float(options.padValue))
    let rows = (total - 1) / columns + 1
    guard
      let width = Self.side(cells: columns, of: shape.width, padding: padding),
      let height = Self.side(cells: rows, of: shape.height, padding: padding)
    else { throw GridError.tooLarge(name: name) }
    png = try PNGWriter(to: sink, width: width, height: height, channels: shape.channels)
    line = [UInt8](repeating: padByte, count: width * shape.channels)
  }

  /// Draws one row of the grid: `columns` pictures, or as many as are left.
  func draw(_ pictures: UnsafePointer<UInt8>, count: Int) throws {
    let rowBytes = shape.width * shape.channels
    let pitch = (shape.width + padding) * shape.channels
    try drawPadding()
    for y in 0..<shape.height {
      for index in 0..<count {
        let source = pictures + index * shape.count + y * rowBytes
        let start = padding * shape.channels + index * pitch
        _ = line.withUnsafeMutableBufferPointer { line in
          UnsafeMutableBufferPointer(rebasing: line[start..<(start + rowBytes)])
            .update(fromContentsOf: UnsafeBufferPointer(start: source, count: rowBytes))
        }
      }
      try line.withUnsafeBufferPointer(png.write(row:))
    }
    drawn += count
    if drawn == total {
      try drawPadding()
      try png.finish()
    }
  }

  private func drawPadding() throws {
    for index in line.indices { line[index] = padByte }
    for _ in 0..<padding { try line.withUnsafeBufferPointer(png.write(row:)) }
  }

  private static func side(cells: Int, of side: Int, padding: Int) -> Int? {
    let (cell, overflow1) = side.addingReportingOverflow(padding)
    let (product, overflow2) = cell.multipliedReportingOverflow(by: cells)
    let (whole, overflow3) = product.addingReportingOverflow(padding)
    return overflow1 || overflow2 || overflow3 ? nil : whole
  }
}
