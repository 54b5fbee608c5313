/// How pictures become rows.
package struct PictureOptions: Equatable, Sendable {
  package enum Colours: Sendable, CaseIterable { case grey, rgb }

  /// The size all pictures get; nil is their own, in which they must agree.
  package var size: PixelSize?
  /// Cut pictures of another shape rather than stretch them.
  package var crop = false
  /// The channels all pictures get; nil is their own, in which they must agree.
  package var colours: Colours?
  /// What shows through transparent pixels where the alpha channel goes.
  package var background: UInt8 = 0
  /// Whether a row of several channels is (H, W, C) and not (C, H, W).
  package var channelsLast = false

  package init() {}
}

/// Why pictures make no stream.
package enum PictureError: Failure, Equatable {
  case otherSize(name: String, got: PixelSize, expected: PixelSize)
  case otherChannels(name: String, got: Int, expected: Int)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .otherSize(let name, let got, let expected):
      "\(name): the picture is \(got), expected \(expected) as before"
    case .otherChannels(let name, let got, let expected):
      "\(name): the picture is \(Self.words(got)), expected \(Self.words(expected)) as before"
    }
  }

  private static func words(_ channels: Int) -> String {
    switch channels {
    case 1: "grey"
    case 3: "RGB"
    default: "RGBA"
    }
  }
}

/// Writes pictures, PNG or Netpbm, as a stream of u1: rows are (H, W) when they are grey, (C, H, W)
/// with three or four channels when they are not.
/// - Parameters:
///   - names: the files; `-` is what `open` takes it for. Each holds one picture or more.
///   - list: gets the file's name for each row, a line each.
/// - Throws: `PNGError`, `NetpbmError`, `PictureError`, and what the sources and the sinks throw.
package func writePictures(
  _ names: [String], options: PictureOptions, to sink: ByteSink, list: ByteSink? = nil,
  opening open: (String) throws -> ByteSource
) throws {
  var first: PictureRow?
  var writer: DeferredHeaderWriter?
  for name in names {
    let source = try open(name)
    repeat {
      let row = try PictureRow(next: source, options: options)
      if let first { try row.require(likeness: first, name: source.name) }
      first = first ?? row
      let rows =
        try writer
        ?? DeferredHeaderWriter(
          sink, type: .u1, rowShape: row.shape(options), rows: .atLeast(names.count))
      writer = rows
      try row.samples(options).withUnsafeBytes(rows.write(raw:))
      try list?.write(Array("\(name)\n".utf8))
    } while try !source.peek(1).isEmpty
  }
  try writer?.finish()
}

/// A picture in the size and the channels that were asked for.
private struct PictureRow {
  let size: PixelSize
  let channels: Int
  /// (height, width, channels)
  private let pixels: [UInt8]

  /// Reads the next picture of a source.
  init(next source: ByteSource, options: PictureOptions) throws {
    let own: PixelSize
    let converted: PixelChannels
    if NetpbmReader.begins(with: try source.peek(2)) {
      let picture = try NetpbmReader(source)
      own = picture.size
      converted = PixelChannels(
        try picture.readPixels(), channels: picture.channels, options: options)
    } else {
      let picture = try PNGReader(source)
      own = PixelSize(width: picture.width, height: picture.height)
      converted = PixelChannels(
        try picture.readPixels(), channels: picture.channels, options: options)
    }
    channels = converted.channels
    size = options.size ?? own
    guard size != own else {
      pixels = converted.samples
      return
    }
    let resampler = Resampler(from: own, to: size, channels: channels, crop: options.crop)
    pixels = converted.samples.withUnsafeBufferPointer(resampler.resample)
  }

  func require(likeness first: PictureRow, name: String) throws {
    guard size == first.size else {
      throw PictureError.otherSize(name: name, got: size, expected: first.size)
    }
    guard channels == first.channels else {
      throw PictureError.otherChannels(name: name, got: channels, expected: first.channels)
    }
  }

  func shape(_ options: PictureOptions) -> [Int] {
    if channels == 1 { return [size.height, size.width] }
    return options.channelsLast
      ? [size.height, size.width, channels] : [channels, size.height, size.width]
  }

  /// The samples in the order of that shape.
  func samples(_ options: PictureOptions) -> [UInt8] {
    if channels == 1 || options.channelsLast { return pixels }
    var planes: [UInt8] = []
    planes.reserveCapacity(pixels.count)
    for channel in 0..<channels {
      for pixel in stride(from: channel, to: pixels.count, by: channels) {
        planes.append(pixels[pixel])
      }
    }
    return planes
  }
}
