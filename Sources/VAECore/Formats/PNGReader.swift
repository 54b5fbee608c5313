import CPNG

/// Sides in pixels.
public struct PixelSize: Hashable, Sendable {
  public let width: Int
  public let height: Int

  public init(width: Int, height: Int) {
    self.width = width
    self.height = height
  }
}

extension PixelSize: CustomStringConvertible {
  /// Both ways that people write a size: `640x480 (shape 480x640)`.
  public var description: String { "\(width)x\(height) (shape \(height)x\(width))" }
}

/// Reads one PNG picture of any kind as 8-bit samples: palettes become RGB, transparency becomes an
/// alpha channel, other depths are scaled to 8 bits.
///
/// Pictures may follow each other in a source: each reader takes the bytes of one. Every checksum is
/// checked, sizes are limited before anything is allocated, and the memory for the pixels grows with
/// the rows that arrive.
public final class PNGReader {
  /// Pixels that a side may have at most.
  public static let maximumSide = 1 << 16
  /// Pixels that a picture may have at most.
  public static let maximumPixels = 1 << 26

  public private(set) var width = 0
  public private(set) var height = 0
  /// 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA).
  public private(set) var channels = 0
  private let source: ByteSource
  private var handle: UnsafeMutablePointer<vt_png>?
  private var passes = 1
  /// What the source threw inside a callback, where it could not be thrown on.
  private var sourceError: (any Error)?

  /// Whether pictures of that size are read.
  public static func allows(_ size: PixelSize, limit: Int = maximumPixels) -> Bool {
    max(size.width, size.height) <= maximumSide && size.width * size.height <= limit
  }

  /// Reads the header.
  /// - Parameter limit: the pixels a picture may have at most, whatever its header claims.
  /// - Throws: `PNGError` for what is no PNG picture or too large a one, and what the source throws.
  public init(_ source: ByteSource, limit: Int = maximumPixels) throws {
    self.source = source
    try checkHead(limit: limit)
    let side = UInt32(Self.maximumSide)
    // The callback's owner is this object: libpng is gone before it is.
    handle = vt_png_reader_create(
      Unmanaged.passUnretained(self).toOpaque(),
      { owner, bytes, count in
        guard let owner else { return -1 }
        return Unmanaged<PNGReader>.fromOpaque(owner).takeUnretainedValue().fill(bytes, count)
      }, side, side)
    guard let handle else { throw PNGError.library("out of memory") }
    var (width, height) = (UInt32(0), UInt32(0))
    var (channels, passes) = (Int32(0), Int32(0))
    try check(vt_png_reader_begin(handle, &width, &height, &channels, &passes))
    (self.width, self.height) = (Int(width), Int(height))
    (self.channels, self.passes) = (Int(channels), Int(passes))
  }

  deinit {
    if let handle { vt_png_reader_free(handle) }
  }

  /// Reads the pixels, (height, width, channels), and what follows them up to the picture's end.
  public func readPixels() throws -> [UInt8] {
    let rowBytes = width * channels
    var pixels: [UInt8] = []
    // The passes of an interlaced picture each fill in some of the pixels.
    for pass in 0..<passes {
      for row in 0..<height {
        if pass == 0 { pixels.append(contentsOf: repeatElement(0, count: rowBytes)) }
        try pixels.withUnsafeMutableBufferPointer { pixels in
          let row = pixels[(row * rowBytes)..<((row + 1) * rowBytes)]
          let target = UnsafeMutableBufferPointer(rebasing: row)
          try check(vt_png_reader_row(handle, target.baseAddress))
        }
      }
    }
    try check(vt_png_reader_end(handle))
    return pixels
  }

  private static let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

  /// Looks at the signature, and at the first chunk, which begins with its length and name and the
  /// two sides. libpng finds what else is wrong, but has taken memory for a row by then.
  private func checkHead(limit: Int) throws {
    let head = try source.peek(24)
    guard head.prefix(8) == Self.signature[...] else {
      if Self.signature.starts(with: head), !head.isEmpty { throw endsEarly }
      throw unreadable(
        "expected a PNG or Netpbm picture at byte \(source.position), got "
          + (kindOfFile(head) ?? .quoting(head.prefix(8))))
    }
    guard head.count == 24 else { throw endsEarly }
    let sides = [16, 20].map { head[$0..<($0 + 4)].reduce(0) { $0 << 8 | Int($1) } }
    let isHeader = head[12..<16].elementsEqual("IHDR".utf8)
    let size = PixelSize(width: sides[0], height: sides[1])
    guard !isHeader || Self.allows(size, limit: limit) else {
      throw unreadable(
        "the PNG picture is \(size), at most \(Self.maximumSide) pixels a side and \(limit) in all "
          + "are read")
    }
  }

  private func unreadable(_ detail: String) -> PNGError {
    .unreadable(name: source.name, detail: detail)
  }

  private var endsEarly: PNGError { unreadable("the PNG data end early") }

  private func fill(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
      let got = try source.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
      guard got == count else { throw endsEarly }
      return 0
    } catch {
      sourceError = error
      return -1
    }
  }

  private func check(_ result: Int32) throws {
    guard result != 0 else { return }
    if let sourceError { throw sourceError }
    let message = handle.map { String(cString: vt_png_message($0)) } ?? "no reader"
    throw unreadable("no PNG picture: \(message)")
  }
}
