/// A number to four significant digits, for a line that people read.
package func shortFigure(_ value: Double) -> String {
  guard value.isFinite, value != 0 else { return value == 0 ? "0" : "\(value)" }
  guard abs(value) < 10_000 else {
    return abs(value) < 1e15 ? "\(Int64(value.rounded()))" : "\(value)"
  }
  guard abs(value) > 1e-100 else { return "\(value)" }
  var scale = 1.0
  while abs(value) * scale < 1000 { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  return rounded == rounded.rounded() && abs(rounded) < 10_000
    ? "\(Int(rounded))" : "\(rounded)"
}
