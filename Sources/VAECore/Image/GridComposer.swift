/// Collects pictures until a row of the grid can be drawn.
final class GridComposer {
  private let shape: ImageShape
  private let options: GridOptions
  private let quantizer: PixelQuantizer
  private let declared: Int
  private let sink: ByteSink
  private let name: String
  private let mostHeld: Int
  /// Pictures not drawn yet, as bytes.
  private var waiting: [UInt8] = []
  private var count = 0
  private var canvas: GridCanvas?

  /// - Parameters:
  ///   - declared: the rows that the stream's first header declares.
  ///   - mostHeld: the bytes of pictures that may wait for the end of the stream.
  init(
    shape: ImageShape, options: GridOptions, declared: Int, to sink: ByteSink, name: String,
    mostHeld: Int = 1 << 24
  ) {
    self.shape = shape
    self.options = options
    quantizer = PixelQuantizer(shape: shape, scaling: options.scaling)
    self.declared = declared
    self.sink = sink
    self.name = name
    self.mostHeld = mostHeld
  }

  /// Takes the next pictures, `shape.count` values each.
  func add(_ pictures: UnsafeBufferPointer<Float>) throws {
    guard let base = pictures.baseAddress else { return }
    for index in 0..<(pictures.count / shape.count) {
      try add(base + index * shape.count)
    }
  }

  private func add(_ picture: UnsafePointer<Float>) throws {
    if let canvas, count == canvas.total {
      throw GridError.streamGoesOn(name: name, declared: declared)
    }
    let start = waiting.count
    waiting.append(contentsOf: repeatElement(0, count: shape.count))
    waiting.withUnsafeMutableBufferPointer { bytes in
      if let base = bytes.baseAddress { quantizer.quantize(picture, into: base + start) }
    }
    count += 1
    if canvas == nil, waiting.count >= mostHeld, count <= declared {
      canvas = try makeCanvas(total: declared)
    }
    try draw()
  }

  /// Draws what is left.
  func finish() throws {
    guard count > 0 else { throw GridError.noPictures(name: name) }
    if canvas == nil { canvas = try makeCanvas(total: count) }
    try draw(atEnd: true)
  }

  private func makeCanvas(total: Int) throws -> GridCanvas {
    try GridCanvas(total: total, shape: shape, options: options, to: sink, name: name)
  }

  /// Draws the full rows of the grid that wait, and at the end the last one.
  private func draw(atEnd: Bool = false) throws {
    guard let canvas else { return }
    var pictures = waiting.count / shape.count
    guard pictures >= canvas.columns || (atEnd && pictures > 0) else { return }
    let used = try waiting.withUnsafeBufferPointer { bytes in
      guard var next = bytes.baseAddress else { return 0 }
      while pictures >= canvas.columns || (atEnd && pictures > 0) {
        let count = min(pictures, canvas.columns)
        try canvas.draw(next, count: count)
        next += count * shape.count
        pictures -= count
      }
      return bytes.count - pictures * shape.count
    }
    waiting.removeFirst(used)
  }
}
