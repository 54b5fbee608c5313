/// A batch of rows as floats, for streams whose row size only their header tells: the batch grows
/// with the bytes that arrive, so that a header's claim alone allocates nothing.
public final class RowBatch {
  /// Rows held.
  public private(set) var rows = 0
  private let buffer = GrowableBuffer<Float>()

  public init() {}

  /// The rows one after the other. Valid until the next `fill`.
  public var values: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: buffer.base, count: buffer.count)
  }

  /// Replaces the rows by the next up to `maxRows` of `reader`; false when there are none left.
  public func fill(
    from reader: TensorReader, maxRows: Int, scaleBytes: Bool = true, finite: Bool = true
  ) throws -> Bool {
    rows = 0
    buffer.count = 0
    rows = try reader.append(
      to: buffer, maxRows: maxRows, scaleBytes: scaleBytes, finite: finite)
    return rows > 0
  }
}
