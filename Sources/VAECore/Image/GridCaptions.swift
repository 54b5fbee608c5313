/// Words at the left of a grid's rows and above its columns.
struct GridCaptions {
  /// Pixels that the words take at the left of the grid.
  private(set) var left = 0
  /// Pixels that the words take above the grid.
  private(set) var top = 0
  private let rows: [String]
  private let columns: [String]
  /// Pixels of the picture that a pixel of a letter takes, each way.
  private var scale = 1

  /// - Parameters:
  ///   - cell: the pixels from an image to the next, and the height of an image.
  ///   - scale: how many times images are enlarged. Letters are enlarged half as much, or less where
  ///     the captions then have no room.
  /// - Throws: `GridError` where a caption has no room, no image, or letters that the font lacks.
  init(
    rows: [String], columns: [String], gridRows: Int, gridColumns: Int, cell: PixelSize,
    scale: Int, name: String
  ) throws {
    self.rows = rows
    self.columns = columns
    for caption in rows + columns where BitmapFont.pixels(of: caption, line: 0) == nil {
      throw GridError.noLetter(caption: caption)
    }
    for (what, captions, most) in [("row", rows, gridRows), ("column", columns, gridColumns)]
    where captions.count > most {
      throw GridError.tooManyCaptions(name: name, what: what, most: most, got: captions.count)
    }
    let widest = columns.max { Self.width($0) < Self.width($1) } ?? ""
    var room = Int.max
    func fit(_ caption: String, _ needed: Int, _ side: String, in got: Int) throws {
      guard !caption.isEmpty else { return }
      guard got >= needed else {
        throw GridError.noRoom(
          caption: caption, needed: needed, side: side, got: got,
          scale: (needed * scale - 1) / got + 1)
      }
      room = min(room, got / needed)
    }
    try fit(widest, Self.width(widest), "wide", in: cell.width)
    try fit(rows.first ?? "", BitmapFont.height + Self.margin, "high", in: cell.height)
    self.scale = max(1, min(room, scale / 2))
    let longest = rows.map(Self.width).max() ?? 0
    left = longest == 0 ? 0 : (longest + Self.margin * 2) * self.scale
    top = columns.isEmpty ? 0 : (BitmapFont.height + Self.margin) * self.scale
  }

  private static let margin = 3

  /// Pixels of the font that a caption takes, with the blank behind it.
  private static func width(_ caption: String) -> Int { caption.utf8.count * BitmapFont.advance }

  /// Calls `ink` with the ranges of pixels that are ink in line `y` above the grid, of which image
  /// `column` begins at `start(column)` and is `width` wide.
  func columnInk(y: Int, width: Int, start: (Int) -> Int, ink: (Range<Int>) -> Void) {
    for (column, caption) in columns.enumerated() {
      let spare = width - (Self.width(caption) - 1) * scale
      draw(
        caption, y: y - Self.margin * scale + scale, from: max(0, start(column) + spare / 2),
        ink: ink)
    }
  }

  /// The same for line `y` of the images in a row of the grid, which are `height` high.
  func rowInk(row: Int, y: Int, height: Int, ink: (Range<Int>) -> Void) {
    guard row < rows.count else { return }
    // Letters without a tail, 7 of the font's 9 lines, are in the middle.
    let spare = height - 7 * scale
    let end = left - (Self.margin - 1) * scale
    draw(rows[row], y: y - spare / 2, from: end - Self.width(rows[row]) * scale, ink: ink)
  }

  private func draw(_ caption: String, y: Int, from start: Int, ink: (Range<Int>) -> Void) {
    guard y >= 0, y < BitmapFont.height * scale,
      let pixels = BitmapFont.pixels(of: caption, line: y / scale)
    else { return }
    for (index, isInk) in pixels.enumerated() where isInk {
      ink((start + index * scale)..<(start + (index + 1) * scale))
    }
  }
}
