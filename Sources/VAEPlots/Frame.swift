import VAECore

/// The range of an axis.
struct Interval: Equatable {
  var low: Double
  var high: Double

  init(_ low: Double, _ high: Double) {
    self.low = low
    self.high = high
  }

  /// The range of the values with a margin of 5 %; nil for no values.
  init?(_ values: some Sequence<Double>, air: Double) {
    var (low, high) = (Double.infinity, -Double.infinity)
    for value in values {
      low = min(low, value)
      high = max(high, value)
    }
    guard low <= high else { return nil }
    // Equal values, or ones that differ by rounding, still get a range.
    let span = max(high - low, max(low.magnitude, high.magnitude) * 1e-6, 1e-30)
    let margin = high - low < span ? max(low.magnitude * 0.1, 0.5 * span) : span * air
    self.init(low - margin, high + margin)
  }

  var span: Double { high - low }

  /// The same middle and another span.
  func widened(to span: Double) -> Interval {
    let middle = low / 2 + high / 2
    return Interval(middle - span / 2, middle + span / 2)
  }
}

/// The measures of a plot's parts, in pixels: those of a picture of standard size, scaled.
struct Style {
  let unit: Double
  var text: Double { 13 * unit }
  var title: Double { 17 * unit }
  var rule: Double { 1 * unit }
  var gap: Double { 8 * unit }
}

/// A coordinate system on a canvas: ranges, ticks and a light grid.
struct Frame {
  let area: Rectangle
  let x: Interval
  let y: Interval
  let xTicks: Ticks
  let yTicks: Ticks
  let style: Style

  /// - Parameter isLogarithmic: y are powers of ten.
  init(
    area: Rectangle, x: Interval, y: Interval, style: Style, wholeX: Bool = false,
    isLogarithmic: Bool = false
  ) {
    self.area = area
    self.x = x
    self.y = y
    self.style = style
    xTicks = Ticks(
      low: x.low, high: x.high, count: max(3, Int(area.width / (style.text * 6))), whole: wholeX)
    yTicks = Self.ticks(of: y, height: area.height, style, isLogarithmic)
  }

  /// Where a point of the data lies on the canvas.
  func place(_ px: Double, _ py: Double) -> Point {
    Point(
      x: area.left + (px - x.low) / x.span * area.width,
      y: area.bottom - (py - y.low) / y.span * area.height)
  }

  /// The room that labels of the y axis take.
  static func labelWidth(
    of y: Interval, height: Double, style: Style, on canvas: Canvas, isLogarithmic: Bool = false
  ) -> Double {
    ticks(of: y, height: height, style, isLogarithmic).labels
      .map { canvas.width(of: $0, size: style.text) }.max() ?? 0
  }

  private static func ticks(
    of y: Interval, height: Double, _ style: Style, _ isLogarithmic: Bool
  ) -> Ticks {
    let count = max(4, Int(height / (style.text * 4.5)))
    return isLogarithmic
      ? Ticks(powersFrom: y.low, to: y.high, count: count)
      : Ticks(low: y.low, high: y.high, count: count)
  }

  /// Draws grid, ticks and their labels; data goes on top.
  func draw(on canvas: Canvas) {
    for (value, label) in zip(yTicks.values, yTicks.labels) {
      let at = crisp(place(x.low, value).y)
      canvas.line(
        [Point(x: area.left, y: at), Point(x: area.right, y: at)], .rule, width: style.rule)
      canvas.text(
        label, at: Point(x: area.left - style.gap, y: at), size: style.text, .faint,
        across: .right, down: .middle)
    }
    for (value, label) in zip(xTicks.values, xTicks.labels) {
      let at = crisp(place(value, y.low).x)
      canvas.line(
        [Point(x: at, y: area.top), Point(x: at, y: area.bottom)], .rule, width: style.rule)
      canvas.text(
        label, at: Point(x: at, y: area.bottom + style.gap), size: style.text, .faint,
        across: .middle, down: .top)
    }
    let corner = Point(x: crisp(area.left), y: crisp(area.bottom))
    canvas.line(
      [Point(x: corner.x, y: area.top), corner, Point(x: area.right, y: corner.y)], .faint,
      width: style.rule)
  }

  /// The middle of a pixel, where a thin line stays thin.
  private func crisp(_ place: Double) -> Double { place.rounded(.down) + 0.5 }
}
