import CCairo
import VAECore

/// A place on the canvas in pixels, from the upper left corner.
struct Point: Equatable {
  var x: Double
  var y: Double
}

struct Rectangle: Equatable {
  var left: Double
  var top: Double
  var right: Double
  var bottom: Double
  var width: Double { right - left }
  var height: Double { bottom - top }
}

/// A white picture to draw on with cairo, and to write as PNG.
final class Canvas {
  enum Across { case left, middle, right }
  enum Down { case baseline, middle, top }
  enum Mark: CaseIterable { case disc, triangle }

  let width: Int
  let height: Int
  private let surface: OpaquePointer
  private let context: OpaquePointer
  private let family = Canvas.readableFamily

  /// Pixels that a side may have at most.
  static let maximumSide = 1 << 14

  /// - Throws: `PlotError.tooLarge`, and `PlotError.library` where cairo refuses.
  init(_ size: PixelSize) throws {
    (width, height) = (size.width, size.height)
    guard max(width, height) <= Self.maximumSide else { throw PlotError.tooLarge(size) }
    surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, Int32(width), Int32(height))
    context = cairo_create(surface)
    try check(cairo_status(context))
    let options = cairo_font_options_create()
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY)
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_SLIGHT)
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF)
    cairo_set_font_options(context, options)
    cairo_font_options_destroy(options)
    cairo_set_line_join(context, CAIRO_LINE_JOIN_ROUND)
    cairo_set_line_cap(context, CAIRO_LINE_CAP_ROUND)
    paint(.white)
    cairo_paint(context)
  }

  deinit {
    cairo_destroy(context)
    cairo_surface_destroy(surface)
  }

  func fill(_ area: Rectangle, _ colour: Colour) {
    paint(colour)
    cairo_rectangle(context, area.left, area.top, area.width, area.height)
    cairo_fill(context)
  }

  /// A line through points, `width` pixels wide.
  func line(_ points: [Point], _ colour: Colour, width: Double, dashes: [Double] = []) {
    guard let first = points.first else { return }
    paint(colour)
    cairo_set_line_width(context, width)
    cairo_set_dash(context, dashes, Int32(dashes.count), 0)
    cairo_move_to(context, first.x, first.y)
    for point in points.dropFirst() { cairo_line_to(context, point.x, point.y) }
    cairo_stroke(context)
  }

  func mark(
    _ mark: Mark, at place: Point, radius: Double, _ colour: Colour, opacity: Double = 1
  ) {
    paint(colour, opacity)
    switch mark {
    case .disc:
      cairo_arc(context, place.x, place.y, radius, 0, 2 * .pi)
    case .triangle:  // of the disc's area
      let reach = radius * 1.555
      cairo_move_to(context, place.x, place.y - reach)
      cairo_line_to(context, place.x + reach * 0.866, place.y + reach / 2)
      cairo_line_to(context, place.x - reach * 0.866, place.y + reach / 2)
    }
    cairo_fill(context)
  }

  /// Draws only inside the area what `body` draws.
  func clipped(to area: Rectangle, _ body: () -> Void) {
    cairo_save(context)
    cairo_rectangle(context, area.left, area.top, area.width, area.height)
    cairo_clip(context)
    body()
    cairo_restore(context)
  }

  // MARK: Text

  /// The width of a text in pixels.
  func width(of text: String, size: Double, bold: Bool = false) -> Double {
    setFont(size, bold)
    var extents = cairo_text_extents_t()
    cairo_text_extents(context, legible(text), &extents)
    return extents.x_advance
  }

  /// The text, or as much of its beginning as is at most `limit` pixels wide.
  func fit(_ text: String, size: Double, bold: Bool = false, limit: Double) -> String {
    if width(of: text, size: size, bold: bold) <= limit { return text }
    var short = text.prefix(400)
    while !short.isEmpty, width(of: short + "…", size: size, bold: bold) > limit {
      short.removeLast()
    }
    return short + "…"
  }

  /// Writes a line of text; `halo` sets it off from what is behind it.
  func text(
    _ text: String, at place: Point, size: Double, _ colour: Colour = .ink, bold: Bool = false,
    across: Across = .left, down: Down = .baseline, upwards: Bool = false, halo: Bool = false
  ) {
    let length = width(of: text, size: size, bold: bold)
    cairo_save(context)
    cairo_translate(context, place.x, place.y)
    if upwards { cairo_rotate(context, -.pi / 2) }
    let x = across == .left ? 0 : across == .middle ? -length / 2 : -length
    // The height of digits is 0.73 of the size in most fonts.
    let y = down == .baseline ? 0 : down == .middle ? size * 0.365 : size * 0.73
    cairo_move_to(context, x, y)
    cairo_text_path(context, legible(text))
    if halo {
      paint(.white, 0.9)
      cairo_set_line_width(context, size / 4)
      cairo_set_dash(context, nil, 0, 0)
      cairo_stroke_preserve(context)
    }
    paint(colour)
    cairo_fill(context)
    cairo_restore(context)
  }

  private func setFont(_ size: Double, _ bold: Bool) {
    cairo_select_font_face(
      context, family, CAIRO_FONT_SLANT_NORMAL,
      bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL)
    cairo_set_font_size(context, size)
  }

  /// The text in characters that the family has: cairo's own has those of ASCII only.
  private func legible(_ text: String) -> String {
    guard family.hasPrefix("@") else { return text }
    return text.reduce(into: "") { result, character in
      switch character {
      case "\u{2212}": result += "-"
      case "\u{2026}": result += "..."
      default: result.append(character.isASCII ? character : "?")
      }
    }
  }

  /// The first family that has digits: cairo draws one of its own, of lines, where the system has no
  /// font or none that can be read. Tried on a canvas of its own, which an unreadable font spoils.
  private static let readableFamily: String = {
    let surface = cairo_image_surface_create(CAIRO_FORMAT_A8, 1, 1)
    defer { cairo_surface_destroy(surface) }
    let context = cairo_create(surface)
    defer { cairo_destroy(context) }
    cairo_select_font_face(
      context, "DejaVu Sans", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL)
    let font = cairo_get_scaled_font(context)
    var glyphs: UnsafeMutablePointer<cairo_glyph_t>?
    var count: Int32 = 0
    let status = cairo_scaled_font_text_to_glyphs(
      font, 0, 0, "0", 1, &glyphs, &count, nil, nil, nil)
    defer { cairo_glyph_free(glyphs) }
    let isReadable =
      status == CAIRO_STATUS_SUCCESS && cairo_status(context) == CAIRO_STATUS_SUCCESS && count == 1
      && glyphs?.pointee.index != 0
    return isReadable ? "DejaVu Sans" : "@cairo:"
  }()

  private func paint(_ colour: Colour, _ opacity: Double = 1) {
    cairo_set_source_rgba(context, colour.red, colour.green, colour.blue, opacity)
  }

  // MARK: PNG

  /// Writes the picture. The sink stays open, and unflushed.
  ///
  /// - Throws: what the sink throws, and `PlotError.library`.
  func writePNG(to sink: ByteSink) throws {
    try check(cairo_status(context))
    cairo_surface_flush(surface)
    let outlet = Outlet(sink)
    let status = cairo_surface_write_to_png_stream(
      surface,
      { outlet, bytes, count in
        guard let outlet else { return CAIRO_STATUS_WRITE_ERROR }
        return Unmanaged<Outlet>.fromOpaque(outlet).takeUnretainedValue()
          .pass(UnsafeRawBufferPointer(start: bytes, count: Int(count)))
      }, Unmanaged.passUnretained(outlet).toOpaque())
    try withExtendedLifetime(outlet) {
      if let error = outlet.error { throw error }
      try check(status)
    }
  }

  private func check(_ status: cairo_status_t) throws {
    guard status != CAIRO_STATUS_SUCCESS else { return }
    throw PlotError.library(String(cString: cairo_status_to_string(status)))
  }
}

/// Where cairo's bytes go, and what went wrong there, which cannot be thrown through cairo.
private final class Outlet {
  private let sink: ByteSink
  private(set) var error: (any Error)?

  init(_ sink: ByteSink) { self.sink = sink }

  func pass(_ bytes: UnsafeRawBufferPointer) -> cairo_status_t {
    do {
      try sink.write(bytes)
      return CAIRO_STATUS_SUCCESS
    } catch {
      self.error = error
      return CAIRO_STATUS_WRITE_ERROR
    }
  }
}
