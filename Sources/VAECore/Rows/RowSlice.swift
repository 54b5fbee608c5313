/// Which rows of a stream, in the words of a Python slice: `start:stop:step`. Rows are counted from
/// 0, negative numbers from the end.
public struct RowSlice: Hashable, Sendable {
  /// nil is the end that the slice begins at.
  public let start: Int?
  /// The first row that is not of the slice; nil is none.
  public let stop: Int?
  /// Not 0; negative goes backwards.
  public let step: Int

  /// The first `count` rows.
  public init(first count: Int) {
    (start, stop, step) = (nil, count, 1)
  }

  /// Reads `A:B` or `A:B:S`, each of which may be left out; nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2 || parts.count == 3 else { return nil }
    let numbers = parts.map { Int($0) }
    guard zip(parts, numbers).allSatisfy({ $0.isEmpty || $1 != nil }) else { return nil }
    (start, stop, step) = (numbers[0], numbers[1], numbers.count == 3 ? numbers[2] ?? 1 : 1)
    guard step != 0 else { return nil }
  }

  /// Whether the rows can be told as they come by, without knowing how many there are.
  public var readsForward: Bool { step > 0 && (start ?? 0) >= 0 && (stop ?? 0) >= 0 }

  /// The rows it takes from `length` rows: `count` of them, from `first` on, `step` apart. As
  /// Python's `slice.indices`.
  public func rows(of length: Int) -> (first: Int, count: Int) {
    let (low, high) = step > 0 ? (0, length) : (-1, length - 1)
    func clamp(_ bound: Int) -> Int {
      bound < 0 ? max(bound + length, low) : min(bound, high)
    }
    let first = start.map(clamp) ?? (step > 0 ? low : high)
    let end = stop.map(clamp) ?? (step > 0 ? high : low)
    let distance = step > 0 ? end - first : first - end
    guard distance > 0 else { return (first, 0) }
    return (first, Int(UInt(distance - 1) / step.magnitude) + 1)
  }
}

/// Writes the rows of a slice as one stream: u1 stays u1, any other type becomes f4.
///
/// Rows that come forward are copied as they are read, and reading ends with the last of them. A
/// slice that counts from an end nobody knows, or that goes backwards, holds all rows in memory,
/// unless they can be mapped.
/// - Throws: `StreamError`.
package func writeSlice(_ slice: RowSlice, of input: TensorInput, to sink: ByteSink) throws {
  let type: ElementType = input.elementType == .u1 ? .u1 : .f4
  let known = input.rows.exact
  guard slice.step > 0, known != nil || slice.readsForward else {
    return try writeHeldSlice(slice, of: try input.store(), type: type, to: sink)
  }
  let (first, count) = slice.rows(of: known ?? .max)
  let writer = try DeferredHeaderWriter(
    sink, type: type, rowShape: input.rowShape, rows: slice.count(of: input.rows))
  let reader = try input.reader()
  let block = RowCarrier(type)
  let batch = max(1, RowCarrier.elements / input.rowSize)
  var left = count
  var gap = first
  while left > 0, try gap == 0 || reader.skip(rows: gap) == gap {
    let taken = try block.append(from: reader, maxRows: slice.step == 1 ? min(left, batch) : 1)
    if taken == 0 { break }
    left -= taken
    gap = slice.step - 1
    if block.rows >= batch { try block.move(to: writer) }
  }
  try block.move(to: writer)
  try writer.finish()
}

extension RowSlice {
  /// How many rows a forward slice takes, as far as `rows` can tell.
  fileprivate func count(of rows: RowCount) -> RowCount {
    switch rows {
    case .exactly(let length): .exactly(self.rows(of: length).count)
    case .atLeast(let length):
      // A stop within what is promised cannot be moved by what comes after it.
      (stop ?? .max) <= length
        ? .exactly(self.rows(of: length).count) : .atLeast(self.rows(of: length).count)
    }
  }
}

private func writeHeldSlice(
  _ slice: RowSlice, of store: RowStore, type: ElementType, to sink: ByteSink
) throws {
  let (first, count) = slice.rows(of: store.rows)
  let writer = try TensorWriter(sink, type: type, rowShape: store.rowShape, rows: count)
  let rowBytes = store.rowSize * type.size
  let base = store.bytes.map { UnsafeRawPointer($0) } ?? store.floats.map { UnsafeRawPointer($0) }
  for index in 0..<count {
    let row = first + index * slice.step
    try writer.write(
      raw: UnsafeRawBufferPointer(start: base.map { $0 + row * rowBytes }, count: rowBytes))
  }
  try writer.finish()
}
