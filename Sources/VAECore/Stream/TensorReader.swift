/// The rows of a tensor stream: `.npy` arrays or IDX files one after the other, gzipped or not.
///
/// Arrays after the first must have its row shape and element type; they continue its rows. The
/// format is tensor-stream(5).
public final class TensorReader {
  /// The shape of one row; empty when a row is a single number.
  public let rowShape: [Int]
  /// Values in a row, at least one.
  public let rowSize: Int
  public let elementType: ElementType
  /// Rows the first array promises; there may be more arrays behind it.
  public let declaredRows: Int
  /// What messages call the stream.
  public var name: String { source.name }
  /// Whole rows read so far, over all arrays.
  public var rowsRead: Int { earlierRows + (array.shape.count - elementsLeft) / rowSize }

  /// Bytes read so far, headers and all, after any decompression.
  package var bytesRead: Int { source.position }
  /// Arrays begun so far.
  public private(set) var arraysRead = 1

  let source: ByteSource
  private(set) var array: NPYHeader
  private var elementsLeft: Int
  private var earlierRows = 0
  /// A Fortran-order array put in row-major order; `count` runs up to what is left of it.
  private var transposed: GrowableBuffer<UInt8>?
  private let block = Block(byteCount: 1 << 18)
  private var staging: UnsafeMutableRawBufferPointer { block.bytes }

  /// Reads the first header. Throws when it is none, or one of an array that has no rows to read.
  public init(_ source: ByteSource) throws {
    self.source = source
    guard let first = try NPYHeader.next(in: source, row: 0) else {
      throw StreamError.noData(name: source.name)
    }
    array = first
    elementType = first.type
    rowShape = Array(first.shape.dimensions.dropFirst())
    rowSize = rowShape.reduce(1, *)
    declaredRows = first.shape.dimensions[0]
    elementsLeft = first.shape.count
    try gatherFortranOrder()
  }

  /// Throws unless a row holds `expected` values.
  public func require(rowSize expected: Int) throws {
    guard rowSize == expected else {
      throw StreamError.wrongRowSize(name: name, row: rowsRead, expected: expected, got: rowSize)
    }
  }

  /// Fills `output` with up to `maxRows` rows, fewer only at the end of the stream, 0 when there
  /// are none left. Returns the number of rows.
  ///
  /// - `scaleBytes`: u1 becomes value/255; otherwise the value itself.
  /// - `finite`: an infinity or NaN is an error that names its row.
  public func readFloats(
    into output: UnsafeMutableBufferPointer<Float>, maxRows: Int, scaleBytes: Bool = true,
    finite: Bool = true
  ) throws -> Int {
    precondition(output.count / rowSize >= maxRows, "no room for \(maxRows) rows")
    guard let base = output.baseAddress else { return 0 }
    return try readRows(maxRows) { done, count in
      try readElements(
        count, into: base + done, scaleBytes: scaleBytes, finite: finite)
    }
  }

  /// As `readFloats`, for a stream of u1, whose values are left as they are.
  public func readBytes(
    into output: UnsafeMutableBufferPointer<UInt8>, maxRows: Int
  ) throws -> Int {
    precondition(output.count / rowSize >= maxRows, "no room for \(maxRows) rows")
    try requireBytes()
    guard let base = output.baseAddress else { return 0 }
    return try readRows(maxRows) { done, count in try readElements(count, into: base + done) }
  }

  /// Appends up to `maxRows` rows to a buffer that grows with what arrives, never with what a
  /// header claims. Returns the number of rows.
  package func append(
    to buffer: GrowableBuffer<Float>, maxRows: Int, scaleBytes: Bool = true, finite: Bool = true
  ) throws -> Int {
    try readRows(maxRows) { _, count in
      try grow(buffer, by: count) { count, end in
        try readElements(count, into: end, scaleBytes: scaleBytes, finite: finite)
      }
    }
  }

  package func append(to buffer: GrowableBuffer<UInt8>, maxRows: Int) throws -> Int {
    try requireBytes()
    return try readRows(maxRows) { _, count in
      try grow(buffer, by: count) { count, end in try readElements(count, into: end) }
    }
  }

  /// As for floats: u1 as `scaleBytes` says, i8 and u8 rounded where Double cannot hold them, all
  /// other types exactly, NaN and infinities too.
  package func append(
    to buffer: GrowableBuffer<Double>, maxRows: Int, scaleBytes: Bool
  ) throws -> Int {
    try readRows(maxRows) { _, count in
      try grow(buffer, by: count) { count, end in
        try readElements(count, into: end, scaleBytes: scaleBytes)
      }
    }
  }

  /// Passes over up to `count` rows, fewer only at the end of the stream. Returns the number.
  /// Those of a plain file are not read.
  package func skip(rows count: Int) throws -> Int {
    try readRows(count) { _, count in
      let bytes = count * elementType.size
      if transposed == nil {
        let skipped = try source.skip(bytes)
        guard skipped == bytes else { throw endsEarly(after: skipped) }
      }
      elementsLeft -= count
    }
  }

  /// Passes over all rows of a plain file, which leaves the stream at its end, and returns how many
  /// there are in it; nil, with nothing passed over, where they would have to be read.
  package func countRows() throws -> Int? {
    guard source.plainFileSize != nil else { return nil }
    _ = try skip(rows: .max)
    return rowsRead
  }

  // MARK: Rows

  private func requireBytes() throws {
    guard elementType == .u1 else { throw StreamError.notBytes(name: name, got: elementType) }
  }

  /// Calls `body(elements before, elements)` for each run of rows within one array.
  private func readRows(_ maxRows: Int, _ body: (Int, Int) throws -> Void) throws -> Int {
    var rows = 0
    while rows < maxRows, try advance() {
      let run = min(maxRows - rows, elementsLeft / rowSize)
      try body(rows * rowSize, run * rowSize)
      rows += run
    }
    return rows
  }

  private func grow<Element>(
    _ buffer: GrowableBuffer<Element>, by count: Int,
    _ body: (Int, UnsafeMutablePointer<Element>) throws -> Void
  ) throws {
    var rest = count
    while rest > 0 {
      let free = buffer.capacity - buffer.count
      let piece = min(rest, max(free, buffer.count, 1 << 18))
      guard buffer.reserve(buffer.count + piece), let base = buffer.base else {
        throw StreamError.outOfMemory(name: name)
      }
      try body(piece, base + buffer.count)
      buffer.count += piece
      rest -= piece
    }
  }

  /// Moves on to the next array that has rows left; false at the end of the stream.
  private func advance() throws -> Bool {
    while elementsLeft == 0 {
      let row = rowsRead
      guard let next = try NPYHeader.next(in: source, row: row) else { return false }
      guard next.type == elementType else {
        throw StreamError.typeChanged(name: name, row: row, expected: elementType, got: next.type)
      }
      let shape = Array(next.shape.dimensions.dropFirst())
      guard shape == rowShape else {
        throw StreamError.rowShapeChanged(name: name, row: row, expected: rowShape, got: shape)
      }
      earlierRows = row
      arraysRead += 1
      array = next
      elementsLeft = next.shape.count
      try gatherFortranOrder()
    }
    return true
  }

  // MARK: Elements

  private func readElements(_ count: Int, into output: UnsafeMutablePointer<UInt8>) throws {
    try fetch(UnsafeMutableRawBufferPointer(start: output, count: count))
    elementsLeft -= count
  }

  private func readElements(
    _ count: Int, into output: UnsafeMutablePointer<Float>, scaleBytes: Bool, finite: Bool
  ) throws {
    var done = 0
    while done < count {
      let piece = min(count - done, staging.count / elementType.size)
      if elementType == .f4, !array.isSwapped {
        try fetch(UnsafeMutableRawBufferPointer(start: output + done, count: piece * 4))
      } else if let base = staging.baseAddress {
        try fetch(UnsafeMutableRawBufferPointer(start: base, count: piece * elementType.size))
        ElementConversion.convert(
          base, count: piece, type: elementType, isSwapped: array.isSwapped,
          scalesBytes: scaleBytes, into: output + done)
      }
      if finite, elementType.isFloatingPoint,
        let bad = ElementConversion.firstNonFinite(output + done, count: piece)
      {
        throw notFinite(output[done + bad], at: bad)
      }
      elementsLeft -= piece
      done += piece
    }
  }

  private func readElements(
    _ count: Int, into output: UnsafeMutablePointer<Double>, scaleBytes: Bool
  ) throws {
    guard let base = staging.baseAddress else { return }
    var done = 0
    while done < count {
      let piece = min(count - done, staging.count / elementType.size)
      try fetch(UnsafeMutableRawBufferPointer(start: base, count: piece * elementType.size))
      ElementConversion.convert(
        base, count: piece, type: elementType, isSwapped: array.isSwapped,
        scalesBytes: scaleBytes, into: output + done)
      elementsLeft -= piece
      done += piece
    }
  }

  /// The error for a value that is `ahead` elements ahead, the first of them in `staging`.
  private func notFinite(_ value: Float, at ahead: Int) -> StreamError {
    var text = "\(value)"
    if elementType == .f8 {
      let bits = staging.load(fromByteOffset: ahead * 8, as: UInt64.self)
      let stored = Double(bitPattern: array.isSwapped ? bits.byteSwapped : bits)
      if stored.isFinite { text = "\(stored), past the range of f4" }
    }
    let place = array.shape.count - elementsLeft + ahead
    return .notFinite(
      name: name, row: earlierRows + place / rowSize, element: place % rowSize, value: text)
  }

  /// Fills `output` with the next bytes of the array.
  private func fetch(_ output: UnsafeMutableRawBufferPointer) throws {
    if let transposed, let base = transposed.base {
      let start = (array.shape.count - elementsLeft) * elementType.size
      output.copyMemory(from: UnsafeRawBufferPointer(start: base + start, count: output.count))
      return
    }
    let count = try source.read(into: output)
    guard count == output.count else { throw endsEarly(after: count) }
  }

  /// The error for data that end `bytes` bytes ahead, within the array.
  private func endsEarly(after bytes: Int) -> StreamError {
    let rowBytes = rowSize * elementType.size
    let got = (array.shape.count - elementsLeft) * elementType.size + bytes
    return .endsEarly(
      name: name, expected: earlierRows + array.shape.dimensions[0],
      got: earlierRows + got / rowBytes, bytes: got % rowBytes)
  }

  /// Row 0 of a Fortran-order array is spread over all of it, so that it is held as a whole.
  private func gatherFortranOrder() throws {
    transposed = nil
    guard array.isFortranOrder, !FortranOrder.isTrivial(array.shape) else { return }
    let size = elementType.size
    let raw = GrowableBuffer<UInt8>()
    let result = GrowableBuffer<UInt8>()
    let all = elementsLeft
    // Whole elements, so that a cut is reported at the place it has.
    try grow(raw, by: all * size) { count, end in
      var done = 0
      while done < count {
        let piece = min(count - done, staging.count)
        try fetch(UnsafeMutableRawBufferPointer(start: end + done, count: piece))
        done += piece
        elementsLeft = all - (raw.count + done) / size
      }
    }
    guard result.reserve(raw.count), let from = raw.base, let to = result.base else {
      throw StreamError.outOfMemory(name: name)
    }
    FortranOrder.transpose(from, into: to, shape: array.shape, size: size)
    elementsLeft = all
    transposed = result
  }
}

extension NPYHeader {
  /// The header that comes next in `source`, of either format; nil at the end of the bytes.
  /// `row` is the row it would start at.
  static func next(in source: ByteSource, row: Int) throws -> NPYHeader? {
    let head = try source.peek(magic.count)
    if head.isEmpty { return nil }
    let header: NPYHeader
    if head == magic {
      header = try NPYHeader(from: source)
    } else if IDXHeader.begins(with: head) {
      let idx = try IDXHeader(from: source)
      header = NPYHeader(type: idx.type, shape: idx.shape, isBigEndian: true)
    } else if magic.starts(with: head) {
      throw StreamError.headerEndsEarly(name: source.name, expected: 10, got: head.count)
    } else {
      throw StreamError.notATensor(
        name: source.name, row: row, byte: source.position, got: try source.peek(16))
    }
    guard !header.shape.dimensions.isEmpty else { throw StreamError.noRows(name: source.name) }
    guard !header.shape.dimensions.dropFirst().contains(0) else {
      throw StreamError.emptyRows(name: source.name, shape: header.shape.dimensions)
    }
    return header
  }

  /// Whether the bytes of an element stand in the other order than the machine's.
  var isSwapped: Bool { type.size > 1 && isBigEndian != (1.bigEndian == 1) }
}
