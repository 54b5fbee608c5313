public import VAECore

/// What a scatter plot shows beside its points.
public struct ScatterOptions: Sendable, Equatable {
  public var size = PixelSize(width: 960, height: 800)
  public var title = ""
  public var xLabel = ""
  public var yLabel = ""
  /// What kinds are called, in the order of their numbers; none: their numbers.
  public var names: [String] = []
  /// Whether each axis fills the picture by itself; otherwise a unit has one length on both.
  public var stretch = false

  public init() {}
}

/// Draws points of the plane as one PNG picture: axes, the points in colours that colour-blind
/// readers can tell apart, and a legend. Holds the points, 8 bytes each, and the picture.
public final class ScatterPlot {
  let points: [SIMD2<Float>]
  var labels: PointLabels?
  let options: ScatterOptions

  /// Reads the points.
  ///
  /// - Throws: `PlotError` for rows that are no points of the plane, `StreamError`.
  public init(_ reader: TensorReader, options: ScatterOptions = ScatterOptions()) throws {
    guard reader.rowSize == 2 else {
      throw PlotError.notPlane(name: reader.name, rowSize: reader.rowSize)
    }
    var points: [SIMD2<Float>] = []
    let batch = RowBatch()
    while try batch.fill(from: reader, maxRows: 1 << 16) {
      let values = batch.values
      for row in 0..<batch.rows { points.append([values[2 * row], values[2 * row + 1]]) }
    }
    guard !points.isEmpty else { throw PlotError.noPoints(name: reader.name) }
    self.points = points
    self.options = options
  }

  /// Reads a label for each point.
  ///
  /// - Throws: `AnalysisError` for labels, or names, of another number.
  public func readLabels(_ reader: TensorReader) throws {
    let labels = try PointLabels(reader, count: points.count)
    if case .kinds(let kinds, _) = labels, !options.names.isEmpty,
      options.names.count != kinds.count
    {
      throw AnalysisError.nameCount(expected: kinds.count, got: options.names.count)
    }
    self.labels = labels
  }

  /// Draws. The sink is the caller's to finish.
  ///
  /// - Throws: `PlotError` where the picture has no room for a plot, and what the sink throws.
  public func write(to sink: ByteSink) throws {
    let canvas = try Canvas(options.size)
    try ScatterDrawing(self, on: canvas).draw()
    try canvas.writePNG(to: sink)
  }

  /// The name of the kind with that index.
  func name(_ index: Int, of kinds: [Int]) -> String {
    options.names.isEmpty ? "\(kinds[index])" : options.names[index]
  }
}
