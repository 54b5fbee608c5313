import CPNG

/// Reads one PNG picture of any kind as 8-bit samples: palettes become RGB, transparency becomes an
/// alpha channel, other depths are scaled to 8 bits.
public final class PNGReader {
  public private(set) var width = 0
  public private(set) var height = 0
  /// 1 (grey), 2 (grey and alpha), 3 (RGB) or 4 (RGBA).
  public private(set) var channels = 0
  private let source: ByteSource
  private var handle: UnsafeMutablePointer<vt_png>?
  private var passes = 1
  /// What the source threw inside a callback, where it could not be thrown on.
  private var sourceError: (any Error)?

  /// Reads the header.
  /// - Parameter limit: the pixels a picture may have at most, whatever its header claims.
  /// - Throws: `PNGError` for what is no PNG picture or too large a one, and what the source throws.
  public init(_ source: ByteSource, limit: Int = 1 << 26) throws {
    self.source = source
    let side = UInt32(clamping: min(limit, Int(Int32.max)))
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
    guard self.width * self.height <= limit else {
      throw PNGError.unreadable(
        name: source.name, detail: "\(width)x\(height) pixels, at most \(limit) are read")
    }
  }

  deinit {
    if let handle { vt_png_reader_free(handle) }
  }

  /// Reads the pixels, (height, width, channels). The memory grows with the rows that arrive; an
  /// interlaced picture's is taken at once.
  public func readPixels() throws -> [UInt8] {
    let rowBytes = width * channels
    var pixels: [UInt8] = []
    if passes > 1 { pixels = [UInt8](repeating: 0, count: rowBytes * height) }
    for _ in 0..<passes {
      for row in 0..<height {
        if passes == 1 { pixels.append(contentsOf: repeatElement(0, count: rowBytes)) }
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

  private func fill(_ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
      let got = try source.read(into: UnsafeMutableRawBufferPointer(start: bytes, count: count))
      guard got == count else {
        throw PNGError.unreadable(name: source.name, detail: "the PNG data end early")
      }
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
    throw PNGError.unreadable(name: source.name, detail: "no PNG picture: \(message)")
  }
}
