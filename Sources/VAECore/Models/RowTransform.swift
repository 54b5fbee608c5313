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
  /// Makes rows that come in ready for `apply`; values of bytes are from 0 to 1.
  ///
  /// - Throws: where they cannot be.
  func prepare(
    _ input: UnsafeMutableBufferPointer<Float>, firstRow: Int, of name: String,
    areBytes: Bool) throws
  /// Called behind the last row.
  ///
  /// - Throws: where something is left that belongs to rows.
  func end(of name: String) throws
  /// What the user should know of the rows that came in so far.
  var remarks: [String] { get }
}

extension RowTransform {
  public func prepare(
    _ input: UnsafeMutableBufferPointer<Float>, firstRow: Int, of name: String,
    areBytes: Bool
  ) throws {}

  public func end(of name: String) throws {}

  public var remarks: [String] { [] }

  /// Transforms a whole stream: rows of `reader`, whatever their shape, to rows of `rowShape` in
  /// `sink`, which is the caller's to finish. Memory does not grow with the rows.
  ///
  /// - Parameter report: as of `forEachBatch`.
  /// - Throws: `StreamError` for rows of another size or values that are not finite.
  public func stream(
    _ reader: TensorReader, to sink: ByteSink, rowShape: [Int],
    report: (_ rows: Int) -> Void = { _ in }
  ) throws {
    let writer = try TensorWriter(
      sink, type: .f4, rowShape: rowShape, rows: reader.declaredRows, continues: true)
    try forEachBatch(of: reader, report: report) {
      try writer.write($0)
      // Whoever reads a slow stream gets what there is, and a reader that has gone is noticed.
      try sink.flush()
    }
    try writer.finish()
  }

  /// Transforms a whole stream and hands over the results, some rows at a time, in order, on a
  /// thread of its own.
  ///
  /// - Parameter report: called after each batch, by the caller's thread, with the rows done so far.
  /// - Throws: as `stream`, and what `body` throws.
  public func forEachBatch(
    of reader: TensorReader, report: (_ rows: Int) -> Void = { _ in },
    _ body: (UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    try reader.require(rowSize: inputSize)
    // As in WorkerPool.run, the same length in any folder; an error leaves by the closing brace.
    #sourceLocation(file:"RowTransform.forEachBatch",line:1)
    try withoutActuallyEscaping(body) { try overlap(reader, report, $0) }
  }
  #sourceLocation()

  /// Reads the next rows and writes the last while it computes.
  private func overlap(
    _ reader: TensorReader, _ report: (Int) -> Void,
    _ body: @escaping (UnsafeBufferPointer<Float>) throws -> Void
  ) throws {
    let inputs = try (0..<2).map { _ in
      try AlignedBuffer<Float>(count: capacity * inputSize)
    }
    let outputs = try (0..<2).map { _ in
      try AlignedBuffer<Float>(count: capacity * outputSize)
    }
    let (reading, writing) = (try BackgroundTask(), try BackgroundTask())
    let arrived = Count()
    var (turn, done) = (0, 0)
    func read() throws {
      try reading.begin { [inputs, turn, capacity] in
        arrived.rows = try reader.readFloats(into: inputs[turn].buffer, maxRows: capacity)
      }
    }
    defer {
      try? writing.finish()
      // After an error nobody waits for rows that may never come.
      reading.abandon()
    }
    try read()
    while true {
      // Where rows are slow to come, an error in writing is not.
      if !reading.isDone { try writing.finish() }
      try reading.finish()
      let count = arrived.rows
      guard count > 0 else { break }
      let (input, output) = (inputs[turn], outputs[turn])
      turn = 1 - turn
      try prepare(
        UnsafeMutableBufferPointer(rebasing: input.buffer[..<(count * inputSize)]),
        firstRow: done, of: reader.name, areBytes: reader.elementType == .u1)
      try read()
      apply(input.base, count: count, firstRow: done, into: output.base)
      let values = UnsafeBufferPointer(start: output.base, count: count * outputSize)
      // The last rows are written when nothing else holds their memory any more.
      try writing.begin { try withExtendedLifetime(output) { try body(values) } }
      done += count
      report(done)
    }
    try end(of: reader.name)
    try writing.finish()
  }
}

/// What a reading thread leaves behind; read only after it has finished.
private final class Count: @unchecked Sendable {
  var rows = 0
}
