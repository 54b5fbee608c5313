import CPNG

/// Writes one PNG picture of 8-bit grey, RGB or RGBA samples, a row at a time, as the rows come:
/// it holds libpng's compressor and nothing of the picture.
public final class PNGWriter {
  public let width: Int
  public let height: Int
  public let channels: Int
  private let sink: ByteSink
  private var handle: UnsafeMutablePointer<vt_png>?
  private var rowsWritten = 0
  /// What the sink threw inside a callback, where it could not be thrown on.
  private var sinkError: (any Error)?

  /// Writes the header.
  /// - Parameter channels: 1 (grey), 3 (RGB) or 4 (RGBA).
  /// - Throws: `PNGError` for a picture PNG cannot hold, and what the sink throws.
  public init(to sink: ByteSink, width: Int, height: Int, channels: Int) throws {
    guard [1, 3, 4].contains(channels) else { throw PNGError.channels(channels) }
    let sides = 1...Int(Int32.max)
    guard sides.contains(width), sides.contains(height) else {
      throw PNGError.size(width: width, height: height)
    }
    self.width = width
    self.height = height
    self.channels = channels
    self.sink = sink
    // The callback's owner is this object: libpng is gone before it is.
    handle = vt_png_writer_create(Unmanaged.passUnretained(self).toOpaque()) {
      owner, bytes, count in
      guard let owner else { return -1 }
      return Unmanaged<PNGWriter>.fromOpaque(owner).takeUnretainedValue().pass(bytes, count)
    }
    guard let handle else { throw PNGError.library("out of memory") }
    try check(vt_png_writer_begin(handle, UInt32(width), UInt32(height), Int32(channels)))
  }

  deinit {
    if let handle { vt_png_writer_free(handle) }
  }

  /// Writes the next row, `width` pixels of `channels` samples each.
  public func write(row: UnsafeBufferPointer<UInt8>) throws {
    guard row.count == width * channels else {
      throw PNGError.rowLength(expected: width * channels, got: row.count)
    }
    guard rowsWritten < height else {
      throw PNGError.rowCount(expected: height, got: rowsWritten + 1)
    }
    try check(vt_png_writer_row(handle, row.baseAddress))
    rowsWritten += 1
  }

  /// Ends the picture. The sink stays open, and unflushed.
  public func finish() throws {
    guard rowsWritten == height else {
      throw PNGError.rowCount(expected: height, got: rowsWritten)
    }
    try check(vt_png_writer_end(handle))
  }

  private func pass(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    do {
      try sink.write(UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    } catch {
      sinkError = error
      return -1
    }
  }

  private func check(_ result: Int32) throws {
    guard result != 0 else { return }
    if let sinkError { throw sinkError }
    throw PNGError.library(handle.map { String(cString: vt_png_message($0)) } ?? "no writer")
  }
}
