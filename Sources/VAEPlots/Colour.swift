/// A colour of sRGB, each part in [0, 1].
struct Colour: Equatable {
  var red: Double
  var green: Double
  var blue: Double

  init(_ rgb: UInt32) {
    red = Double(rgb >> 16 & 255) / 255
    green = Double(rgb >> 8 & 255) / 255
    blue = Double(rgb & 255) / 255
  }

  static let white = Colour(0xFFFFFF)
  static let ink = Colour(0x262626)
  static let faint = Colour(0x5F5F5F)
  static let rule = Colour(0xE6E6E6)

  /// For up to seven kinds: Okabe and Ito, "Color Universal Design", 2008, without its yellow, which
  /// is weak on white.
  static let few: [Colour] = [
    0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x000000,
  ].map(Colour.init)

  /// For up to ten: Petroff, "Accessible color sequences for data visualization", 2021.
  static let many: [Colour] = [
    0x3F90DA, 0xFFA90E, 0xBD1F01, 0x94A4A2, 0x832DB6, 0xA96B59, 0xE76300, 0xB9AC70, 0x717581,
    0x92DADD,
  ].map(Colour.init)

  /// Colours for `count` kinds that colour-blind readers can tell apart. They begin anew after ten,
  /// when another mark has to help.
  static func kinds(_ count: Int) -> [Colour] {
    let palette = count <= few.count ? few : many
    return (0..<count).map { palette[$0 % palette.count] }
  }

  private static let viridis: [Colour] = [
    0x440154, 0x482878, 0x3E4989, 0x31688E, 0x26828E, 0x1F9E89, 0x35B779, 0x6ECE58, 0xB5DE2B,
    0xFDE725,
  ].map(Colour.init)

  /// The colour of a value in [0, 1], on the scale viridis of Smith and van der Walt, 2015, whose
  /// lightness rises evenly for every kind of sight.
  static func scale(_ value: Double) -> Colour {
    let place = min(max(value, 0), 1) * Double(viridis.count - 1)
    let index = min(Int(place), viridis.count - 2)
    let (low, high, share) = (viridis[index], viridis[index + 1], place - Double(index))
    var colour = low
    colour.red += (high.red - low.red) * share
    colour.green += (high.green - low.green) * share
    colour.blue += (high.blue - low.blue) * share
    return colour
  }
}
