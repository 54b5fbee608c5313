/// A scatter plot on its way onto a canvas.
struct ScatterDrawing {
  private let plot: ScatterPlot
  private let canvas: Canvas
  private let style: Style
  private let key: Key?

  init(_ plot: ScatterPlot, on canvas: Canvas) {
    self.plot = plot
    self.canvas = canvas
    let (width, height) = (Double(canvas.width), Double(canvas.height))
    let style = Style(unit: max((width * height / (960 * 800)).squareRoot(), 0.5))
    self.style = style
    key =
      switch plot.labels {
      case .kinds(let kinds, _): .kinds(kinds.indices.map { plot.name($0, of: kinds) })
      case .values(let values): Interval(values.lazy.map { Double($0) }, air: 0).map(Key.values)
      case nil: nil
      }
  }

  func draw() throws {
    let frame = try layOut()
    frame.draw(on: canvas)
    drawWords(frame)
    drawPoints(frame)
    if case .kinds(let kinds, let order) = plot.labels {
      drawNames(frame, kinds: kinds, order: order)
    }
    key?.draw(on: canvas, right: Double(canvas.width) - 2 * style.gap, area: frame.area, style)
  }

  /// The frame that what stands around it leaves room for.
  private func layOut() throws -> Frame {
    let (width, height) = (Double(canvas.width), Double(canvas.height))
    let air = 2 * style.gap
    var area = Rectangle(left: air, top: air, right: width - air, bottom: height - air)
    if !plot.options.title.isEmpty { area.top += style.title + 2 * style.gap }
    if !plot.options.xLabel.isEmpty { area.bottom -= style.text + style.gap }
    if !plot.options.yLabel.isEmpty { area.left += style.text + style.gap }
    area.bottom -= style.text + style.gap
    if let key { area.right -= key.width(on: canvas, style) + 2 * style.gap }

    guard var x = Interval(plot.points.lazy.map { Double($0.x) }, air: 0.04),
      var y = Interval(plot.points.lazy.map { Double($0.y) }, air: 0.04)
    else { throw PlotError.noRoom(width: canvas.width, height: canvas.height) }
    area.left += style.gap + Frame.labelWidth(of: y, height: area.height, style: style, on: canvas)
    guard area.width > 4 * style.text, area.height > 4 * style.text else {
      throw PlotError.noRoom(width: canvas.width, height: canvas.height)
    }
    if !plot.options.stretch {
      let scale = max(x.span / area.width, y.span / area.height)
      x = x.widened(to: scale * area.width)
      y = y.widened(to: scale * area.height)
    }
    return Frame(area: area, x: x, y: y, style: style)
  }

  private func drawWords(_ frame: Frame) {
    let (options, area) = (plot.options, frame.area)
    let middle = Point(x: (area.left + area.right) / 2, y: (area.top + area.bottom) / 2)
    let title = canvas.fit(
      options.title, size: style.title, bold: true, limit: Double(canvas.width) - 4 * style.gap)
    canvas.text(
      title, at: Point(x: area.left, y: 2 * style.gap), size: style.title, bold: true, down: .top)
    canvas.text(
      canvas.fit(options.xLabel, size: style.text, limit: area.width),
      at: Point(x: middle.x, y: Double(canvas.height) - 2 * style.gap), size: style.text,
      across: .middle)
    canvas.text(
      canvas.fit(options.yLabel, size: style.text, limit: area.height),
      at: Point(x: 2 * style.gap, y: middle.y), size: style.text, across: .middle, down: .top,
      upwards: true)
  }

  private func drawPoints(_ frame: Frame) {
    let count = Double(plot.points.count)
    // Together they cover about a sixth of the frame, as far as one can see a single one.
    let covering = (frame.area.width * frame.area.height / (6 * .pi * count)).squareRoot()
    let radius = min(max(covering, 0.9 * style.unit), 4.5 * style.unit)
    let opacity = count > 300 ? 0.7 : 0.9
    let colours = key?.colours ?? [Colour.few[0]]
    canvas.clipped(to: frame.area) {
      for (index, point) in plot.points.enumerated() {
        let place = frame.place(Double(point.x), Double(point.y))
        switch plot.labels {
        case .kinds(_, let order):
          let kind = order[index]
          canvas.mark(
            Key.mark(kind), at: place, radius: radius, colours[kind], opacity: opacity)
        case .values(let values):
          let colour = key?.colour(of: Double(values[index])) ?? colours[0]
          canvas.mark(.disc, at: place, radius: radius, colour, opacity: opacity)
        case nil:
          canvas.mark(.disc, at: place, radius: radius, colours[0], opacity: opacity)
        }
      }
    }
  }

  /// Writes the name of each kind in the middle of its points: half of them are to either side.
  /// Among few points names would be in the way.
  private func drawNames(_ frame: Frame, kinds: [Int], order: [Int]) {
    guard plot.points.count >= 20 * kinds.count else { return }
    var members = [[SIMD2<Float>]](repeating: [], count: kinds.count)
    for (index, kind) in order.enumerated() { members[kind].append(plot.points[index]) }
    for (kind, points) in members.enumerated() where !points.isEmpty {
      let x = points.map(\.x).sorted()[points.count / 2]
      let y = points.map(\.y).sorted()[points.count / 2]
      canvas.text(
        canvas.fit(plot.name(kind, of: kinds), size: style.title, limit: frame.area.width / 3),
        at: frame.place(Double(x), Double(y)), size: style.title, bold: true, across: .middle,
        down: .middle, halo: true)
    }
  }
}
