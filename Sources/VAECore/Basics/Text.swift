/// `1 epoch`, `2 epochs`.
package func count(_ number: Int, _ thing: String) -> String {
  "\(number) \(thing)\(number == 1 ? "" : "s")"
}

/// A number with that many digits after the point, for messages: `106.28`.
package func fixed(_ value: Double, _ digits: Int) -> String {
  let unit = (0..<digits).reduce(1.0) { unit, _ in unit * 10 }
  let scaled = (value.magnitude * unit).rounded()
  guard scaled < 0x1p53 else { return "\(value)" }
  let whole = UInt64(scaled)
  let (integer, fraction) = whole.quotientAndRemainder(dividingBy: UInt64(unit))
  let sign = value < 0 && whole > 0 ? "-" : ""
  guard digits > 0 else { return "\(sign)\(integer)" }
  let tail = String(fraction)
  return "\(sign)\(integer).\(String(repeating: "0", count: digits - tail.count))\(tail)"
}
