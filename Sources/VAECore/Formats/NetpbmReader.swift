/// Reads one Netpbm picture, P5 (grey) or P6 (RGB), as 8-bit samples; samples up to another maximum
/// than 255 are scaled to it. The format is that of pgm(5) and ppm(5).
///
/// Pictures may follow each other in a source: each reader takes the bytes of one. The memory for
/// the pixels grows with the bytes that arrive.
package final class NetpbmReader {
  package let size: PixelSize
  /// 1 (grey) or 3 (RGB).
  package let channels: Int
  private let maximum: Int
  private let source: ByteSource

  /// Bytes that a header may have at most, comments and all.
  private static let longestHeader = 1 << 16

  /// Whether bytes begin as a picture of a Netpbm format does, also of one that is not read.
  package static func begins(with head: [UInt8]) -> Bool {
    head.count >= 2 && head[0] == UInt8(ascii: "P")
      && (UInt8(ascii: "1")...UInt8(ascii: "7")).contains(head[1])
  }

  /// Reads the header.
  /// - Throws: `NetpbmError` for what is no such picture or too large a one, and what the source
  ///   throws.
  package init(_ source: ByteSource) throws {
    self.source = source
    let magic = try source.take(2)
    switch magic {
    case Array("P5".utf8): channels = 1
    case Array("P6".utf8): channels = 3
    default: throw NetpbmError.otherKind(name: source.name, got: magic)
    }
    let start = source.position
    var fields: [Int] = []
    for field in ["width", "height", "maximum"] {
      fields.append(try Self.number(field, in: source, headerEnd: start + Self.longestHeader))
    }
    size = PixelSize(width: fields[0], height: fields[1])
    maximum = fields[2]
    guard 1...65_535 ~= maximum else {
      throw NetpbmError.badMaximum(name: source.name, got: maximum)
    }
    guard size.width > 0, size.height > 0, PNGReader.allows(size) else {
      throw NetpbmError.badSize(name: source.name, got: size)
    }
  }

  /// The next number of the header, and the one blank that ends it.
  private static func number(_ field: String, in source: ByteSource, headerEnd: Int) throws -> Int {
    var value: Int?
    var isComment = false
    while source.position < headerEnd, let byte = try source.take(1).first {
      let isLineEnd = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
      if isLineEnd { isComment = false }
      if isComment { continue }
      switch byte {
      case UInt8(ascii: " "), 0x09...0x0d:
        if let value { return value }
      case UInt8(ascii: "#"):
        isComment = true
      case UInt8(ascii: "0")...UInt8(ascii: "9") where value ?? 0 < 1 << 32:
        value = (value ?? 0) * 10 + Int(byte - UInt8(ascii: "0"))
      default:
        throw NetpbmError.badHeader(name: source.name, field: field, got: byte)
      }
    }
    throw NetpbmError.endsEarly(name: source.name)
  }

  /// Reads the samples, (height, width, channels).
  package func readPixels() throws -> [UInt8] {
    let width = maximum < 256 ? 1 : 2
    let count = size.width * size.height * channels
    let raw = try source.readGrowing(limit: count * width)
    guard raw.count == count * width, let base = raw.base else {
      throw NetpbmError.endsEarly(name: source.name)
    }
    let bytes = UnsafeBufferPointer(start: base, count: raw.count)
    if maximum == 255 { return Array(bytes) }
    var samples: [UInt8] = []
    samples.reserveCapacity(count)
    for index in stride(from: 0, to: bytes.count, by: width) {
      let value = width == 1 ? Int(bytes[index]) : Int(bytes[index]) << 8 | Int(bytes[index + 1])
      guard value <= maximum else {
        throw NetpbmError.aboveMaximum(name: source.name, got: value, maximum: maximum)
      }
      samples.append(UInt8((value * 255 + maximum / 2) / maximum))
    }
    return samples
  }
}

/// What can be wrong with a Netpbm picture.
package enum NetpbmError: Failure, Equatable {
  /// P1 to P4 and P7.
  case otherKind(name: String, got: [UInt8])
  case badHeader(name: String, field: String, got: UInt8)
  case badMaximum(name: String, got: Int)
  case badSize(name: String, got: PixelSize)
  case aboveMaximum(name: String, got: Int, maximum: Int)
  case endsEarly(name: String)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .otherKind(let name, let got):
      "\(name): expected a Netpbm picture of kind P5 or P6, got \(String.quoting(got)); "
        + "pnmtopng makes a PNG of it"
    case .badHeader(let name, let field, let got):
      "\(name): the header of the Netpbm picture holds \(String.quoting([got])), "
        + "expected its \(field)"
    case .badMaximum(let name, let got):
      "\(name): the Netpbm picture has the maximum \(got), expected 1 to 65535"
    case .badSize(let name, let got):
      "\(name): the Netpbm picture is \(got), expected 1 to \(PNGReader.maximumSide) pixels a side "
        + "and at most \(PNGReader.maximumPixels) in all"
    case .aboveMaximum(let name, let got, let maximum):
      "\(name): a sample of the Netpbm picture is \(got), more than its maximum \(maximum)"
    case .endsEarly(let name):
      "\(name): the Netpbm picture ends early"
    }
  }
}
