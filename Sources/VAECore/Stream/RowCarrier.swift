/// A few rows on their way through a tool, u1 or f4. It grows with the bytes that arrive.
package final class RowCarrier {
  /// About how many values a block is meant to hold.
  package static let elements = 1 << 16

  /// `.u1` or `.f4`.
  package let type: ElementType
  package private(set) var rows = 0
  private let scaleBytes: Bool
  private let bytes = GrowableBuffer<UInt8>()
  private let floats = GrowableBuffer<Float>()

  /// - `scaleBytes`: in a block of f4, u1 becomes value/255.
  package init(_ type: ElementType, scaleBytes: Bool = false) {
    self.type = type
    self.scaleBytes = scaleBytes
  }

  /// The rows one after the other. Valid until the next change.
  package var raw: UnsafeRawBufferPointer {
    type == .u1
      ? UnsafeRawBufferPointer(start: bytes.base, count: bytes.count)
      : UnsafeRawBufferPointer(start: floats.base, count: floats.count * 4)
  }

  /// Adds up to `maxRows` rows of `reader`, NaN and infinities as they are; returns how many.
  package func append(from reader: TensorReader, maxRows: Int) throws -> Int {
    let count =
      type == .u1
      ? try reader.append(to: bytes, maxRows: maxRows)
      : try reader.append(
        to: floats, maxRows: maxRows, scaleBytes: scaleBytes, finite: false)
    rows += count
    return count
  }

  package func clear() {
    rows = 0
    bytes.count = 0
    floats.count = 0
  }

  /// Writes the rows and forgets them.
  package func move(to writer: DeferredHeaderWriter) throws {
    try writer.write(raw: raw)
    clear()
  }
}
