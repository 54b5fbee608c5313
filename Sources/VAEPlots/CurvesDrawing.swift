import VAECore

/// Curves on their way onto a canvas: a title, panels side by side, and a legend below.
struct CurvesDrawing {
  private let plot: CurvesPlot
  private let canvas: Canvas
  private let style: Style
  private let columns: Int
  private let rows: Int

  init(_ plot: CurvesPlot, on canvas: Canvas) {
    self.plot = plot
    self.canvas = canvas
    let count = plot.options.metrics.count
    // At most three side by side, and the last row as full as can be: four are two by two.
    columns = count <= 3 ? count : [3, 2].first { count % $0 == 0 } ?? 3
    rows = (count + columns - 1) / columns
    let pixels = Double(canvas.width) * Double(canvas.height) / Double(rows)
    style = Style(unit: max((pixels / (1200 * 420)).squareRoot(), 0.5))
  }

  func draw() throws {
    let (width, height) = (Double(canvas.width), Double(canvas.height))
    let edge = 2 * style.gap
    var area = Rectangle(left: edge, top: edge, right: width - edge, bottom: height - edge)
    if !plot.options.title.isEmpty {
      let title = canvas.fit(
        plot.options.title, size: style.title, bold: true, limit: area.width)
      canvas.text(
        title, at: Point(x: area.left, y: area.top), size: style.title, bold: true, down: .top)
      area.top += style.title + edge
    }
    let legend = CurvesLegend(plot, on: canvas, width: area.width, style)
    area.bottom -= legend.height
    legend.draw(below: area)
    if legend.height > 0 { area.bottom -= edge }

    let cell = (
      width: (area.width - Double(columns - 1) * edge) / Double(columns),
      height: (area.height - Double(rows - 1) * edge) / Double(rows)
    )
    for (index, metric) in plot.options.metrics.enumerated() {
      let left = area.left + Double(index % columns) * (cell.width + edge)
      let top = area.top + Double(index / columns) * (cell.height + edge)
      try drawPanel(
        metric,
        in: Rectangle(
          left: left, top: top, right: left + cell.width, bottom: top + cell.height))
    }
  }

  private func drawPanel(_ metric: String, in cell: Rectangle) throws {
    let curves = plot.curves(metric)
    let points = curves.flatMap(\.points)
    guard let epochs = Interval(points.map(\.epoch), air: 0.02),
      let values = Interval(points.map(\.value), air: 0.05)
    else { throw PlotError.noMetric(metric) }
    let isLogarithmic = plot.options.isLogarithmic
    var area = cell
    area.top += style.text + 1.5 * style.gap
    area.bottom -= 2 * style.text + 2 * style.gap
    area.left +=
      style.gap
      + Frame.labelWidth(
        of: values, height: area.height, style: style, on: canvas, isLogarithmic: isLogarithmic)
    guard area.width > 3 * style.text, area.height > 3 * style.text else {
      throw PlotError.noRoom(width: canvas.width, height: canvas.height)
    }
    let frame = Frame(
      area: area, x: epochs, y: values, style: style, wholeX: true,
      isLogarithmic: isLogarithmic)
    frame.draw(on: canvas)
    canvas.text(
      canvas.fit(Self.words(metric), size: style.text, bold: true, limit: area.width),
      at: Point(x: area.left, y: cell.top), size: style.text, bold: true, down: .top)
    canvas.text(
      "epoch", at: Point(x: (area.left + area.right) / 2, y: cell.bottom), size: style.text,
      .faint, across: .middle)
    for curve in curves { draw(curve, in: frame) }
  }

  /// What a metric is called, and its unit.
  private static func words(_ metric: String) -> String {
    switch metric {
    case "loss", "reconstruction", "kl": metric + ", nats"
    case "rows_per_second": "rows/s"
    default: metric.split(separator: "_").joined(separator: " ")
    }
  }

  private func draw(_ curve: CurvesPlot.Curve, in frame: Frame) {
    let points = curve.points.map { frame.place($0.epoch, $0.value) }
    canvas.line(
      points, curve.colour, width: 2 * style.unit,
      dashes: curve.isValidation ? Self.dashes(style) : [])
    guard points.count <= 25 else { return }
    for point in points {
      canvas.mark(.disc, at: point, radius: 3 * style.unit, curve.colour)
    }
  }

  static func dashes(_ style: Style) -> [Double] { [6 * style.unit, 5 * style.unit] }
}

/// What the lines mean, in as many lines as it takes.
private struct CurvesLegend {
  private struct Entry {
    let name: String
    let colour: Colour
    let isDashed: Bool
    var place = Point(x: 0, y: 0)
  }

  let height: Double
  private var entries: [Entry]
  private let canvas: Canvas
  private let style: Style
  private let sample: Double

  init(_ plot: CurvesPlot, on canvas: Canvas, width: Double, _ style: Style) {
    self.canvas = canvas
    self.style = style
    sample = 28 * style.unit
    entries = Self.entries(of: plot)
    var place = Point(x: 0, y: style.text)
    for index in entries.indices {
      let name = canvas.fit(entries[index].name, size: style.text, limit: width / 2)
      let length = sample + style.gap + canvas.width(of: name, size: style.text)
      if place.x > 0, place.x + length > width {
        place = Point(x: 0, y: place.y + 1.7 * style.text)
      }
      entries[index] = Entry(
        name: name, colour: entries[index].colour, isDashed: entries[index].isDashed, place: place)
      place.x += length + 3 * style.gap
    }
    height = entries.isEmpty ? 0 : place.y + 0.3 * style.text
  }

  private static func entries(of plot: CurvesPlot) -> [Entry] {
    let colours = Colour.kinds(max(plot.runs.count, 2))
    if plot.runs.count == 1 {
      return plot.hasValidation
        ? [
          Entry(name: "training", colour: colours[0], isDashed: false),
          Entry(name: "validation", colour: colours[1], isDashed: true),
        ] : []
    }
    let runs = zip(plot.runs, colours).map { run, colour in
      Entry(name: run.title, colour: colour, isDashed: false)
    }
    return runs
      + (plot.hasValidation
        ? [
          Entry(name: "training", colour: .faint, isDashed: false),
          Entry(name: "validation", colour: .faint, isDashed: true),
        ] : [])
  }

  func draw(below area: Rectangle) {
    for entry in entries {
      let y = area.bottom + entry.place.y - style.text / 2
      let left = area.left + entry.place.x
      canvas.line(
        [Point(x: left, y: y), Point(x: left + sample, y: y)], entry.colour,
        width: 2 * style.unit, dashes: entry.isDashed ? CurvesDrawing.dashes(style) : [])
      canvas.text(
        entry.name, at: Point(x: left + sample + style.gap, y: y), size: style.text,
        down: .middle)
    }
  }
}

extension Metrics {
  /// The name of its file, without folder and ending.
  fileprivate var title: String {
    let file = name.split(separator: "/").last.map(String.init) ?? name
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return file }
    return String(file[..<dot])
  }
}
