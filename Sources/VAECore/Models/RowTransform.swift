/// Rows in, rows out, block by block, on all workers: an encoder or a decoder at work.
public protocol RowTransform: AnyObject {
  /// Values in a row that comes in.
  var inputSize: Int { get }
  /// Values in a row that goes out.
  var outputSize: Int { get }
  /// The most rows `apply` takes at once.
  var capacity: Int { get }
  /// Transforms `count` rows; `firstRow` numbers them in the stream, for noise.
  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into output: UnsafeMutablePointer<Float>)
}

extension RowTransform {
  /// Transforms a whole stream: rows of `reader`, whatever their shape, to rows of `rowShape` in
  /// `sink`, which is the caller's to finish. Memory does not grow with the rows.
  ///
  /// - Throws: `StreamError` for rows of another size or values that are not finite.
  public func stream(_ reader: TensorReader, to sink: ByteSink, rowShape: [Int]) throws {
    let writer = try TensorWriter(
      sink, type: .f4, rowShape: rowShape, rows: reader.declaredRows, continues: true)
    try forEachBatch(of: reader) { try writer.write($0) }
    try writer.finish()
  }

  /// Transforms a whole stream and hands over the results, some rows at a time, in order.
  ///
  /// - Throws: as `stream`, and what `body` throws.
  public func forEachBatch(
    of reader: TensorReader, _ body: (UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try reader.require(rowSize: inputSize)
    let input = try AlignedBuffer<Float>(count: capacity * inputSize)
    let output = try AlignedBuffer<Float>(count: capacity * outputSize)
    var done = 0
    while true {
      let count = try reader.readFloats(into: input.buffer, maxRows: capacity)
      guard count > 0 else { break }
      apply(input.base, count: count, firstRow: done, into: output.base)
      try body(UnsafeBufferPointer(start: output.base, count: count * outputSize))
      done += count
    }
  }
}
