/// What colours mean: a legend, or a scale.
enum Key {
  case kinds([String])
  case values(Interval)

  /// The marks change after as many kinds as there are colours.
  static func mark(_ kind: Int) -> Canvas.Mark {
    Canvas.Mark.allCases[kind / Colour.many.count % Canvas.Mark.allCases.count]
  }

  /// The colours of the kinds.
  var colours: [Colour] {
    if case .kinds(let names) = self { Colour.kinds(names.count) } else { [] }
  }

  /// The colour of a value.
  func colour(of value: Double) -> Colour? {
    guard case .values(let range) = self else { return nil }
    return Colour.scale((value - range.low) / range.span)
  }

  /// The width it takes, at most a third of the canvas.
  func width(on canvas: Canvas, _ style: Style) -> Double {
    let limit = Double(canvas.width) / 3
    let words =
      switch self {
      case .kinds(let names): names
      case .values(let range): ticks(range).labels
      }
    let text = words.map { canvas.width(of: $0, size: style.text) }.max() ?? 0
    return min(text + 3 * style.gap, limit)
  }

  func draw(on canvas: Canvas, right: Double, area: Rectangle, _ style: Style) {
    let left = right - width(on: canvas, style)
    switch self {
    case .kinds(let names):
      let step = style.text * 1.6
      let colours = colours
      let shown = min(names.count, max(1, Int(area.height / step)))
      for index in 0..<shown {
        let y = area.top + (Double(index) + 0.5) * step
        canvas.mark(
          Self.mark(index), at: Point(x: left + style.gap, y: y), radius: 4.5 * style.unit,
          colours[index])
        canvas.text(
          canvas.fit(names[index], size: style.text, limit: right - left - 3 * style.gap),
          at: Point(x: left + 3 * style.gap, y: y), size: style.text, down: .middle)
      }
    case .values(let range):
      drawScale(range, on: canvas, left: left, area: area, style)
    }
  }

  private func drawScale(
    _ range: Interval, on canvas: Canvas, left: Double, area: Rectangle, _ style: Style
  ) {
    let steps = 256
    let height = area.height / Double(steps)
    for step in 0..<steps {
      let bottom = area.bottom - Double(step) * height
      canvas.fill(
        Rectangle(
          left: left, top: (bottom - height).rounded(.down), right: left + 2 * style.gap,
          bottom: bottom.rounded(.up)),
        Colour.scale(Double(step) / Double(steps - 1)))
    }
    for (value, label) in zip(ticks(range).values, ticks(range).labels) {
      canvas.text(
        label,
        at: Point(
          x: left + 3 * style.gap, y: area.bottom - (value - range.low) / range.span * area.height),
        size: style.text, .faint, down: .middle)
    }
  }

  private func ticks(_ range: Interval) -> Ticks {
    Ticks(low: range.low, high: range.high, count: 7)
  }
}
