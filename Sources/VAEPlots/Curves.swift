public import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which curves are drawn, and how.
public struct CurvesOptions: Sendable, Equatable {
  public var size = PixelSize(width: 1200, height: 420)
  public var title = ""
  /// A panel each; of `valid_` and the same name are the figures of the rows held out.
  public var metrics = ["loss", "reconstruction", "kl"]
  /// Whether figures stand on a logarithmic axis; those of 0 and less are left out.
  public var isLogarithmic = false

  public init() {}
}

/// Draws the metrics of training runs by epoch as one PNG picture: a panel for each metric, in it
/// the curves of training and of validation of each run.
public struct CurvesPlot {
  let runs: [Metrics]
  let options: CurvesOptions

  /// - Throws: `PlotError.noMetric` where no run has one of the metrics.
  public init(_ runs: [Metrics], options: CurvesOptions = CurvesOptions()) throws {
    self.runs = runs
    self.options = options
    for metric in options.metrics where curves(metric).isEmpty {
      throw PlotError.noMetric(metric)
    }
  }

  /// Draws. The sink is the caller's to finish.
  ///
  /// - Throws: `PlotError` where the picture has no room for a plot, and what the sink throws.
  public func write(to sink: ByteSink) throws {
    let canvas = try Canvas(options.size)
    try CurvesDrawing(self, on: canvas).draw()
    try canvas.writePNG(to: sink)
  }

  /// One line of a panel.
  struct Curve {
    let points: [(epoch: Double, value: Double)]
    let colour: Colour
    let isValidation: Bool
  }

  /// The curves of a metric. One run has a colour for training and one for validation; several
  /// have a colour each, and validation is dashed.
  func curves(_ metric: String) -> [Curve] {
    let colours = Colour.kinds(max(runs.count, 2))
    return runs.enumerated().flatMap { index, run in
      [false, true].flatMap { validation in
        run.names((validation ? "valid_" : "") + metric).compactMap { name -> Curve? in
          let points = run.curve(name).compactMap { point -> (epoch: Double, value: Double)? in
            guard options.isLogarithmic else { return point }
            return point.value > 0 ? (point.epoch, log10(point.value)) : nil
          }
          let colour = runs.count > 1 ? colours[index] : colours[validation ? 1 : 0]
          return points.isEmpty
            ? nil : Curve(points: points, colour: colour, isValidation: validation)
        }
      }
    }
  }

  var hasValidation: Bool {
    options.metrics.contains { metric in runs.contains { !$0.curve("valid_" + metric).isEmpty } }
  }
}
