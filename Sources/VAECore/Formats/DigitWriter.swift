/// Which rows of a set of digits are wanted, and as what.
public struct DigitSelection: Sendable, Equatable {
  /// The values of the images' pixels.
  public enum Pixels: Sendable, Equatable {
    /// u1, as stored.
    case bytes
    /// f4 from 0 to 1.
    case unit
    /// f4 from 0 to 1, less a mean, over a standard deviation.
    case normalized(mean: Double, deviation: Double)
  }

  /// Images or labels.
  public var file = DigitFile.images
  public var pixels = Pixels.bytes
  /// The classes wanted; nil is all.
  public var classes: Set<UInt8>?
  /// The rows wanted at most.
  public var limit = Int.max

  public init() {}
}

extension DigitFiles {
  /// Writes the rows selected, in the order of the set, as one array: images (N, H, W), labels (N,).
  /// - Throws: `DigitError` when images and labels do not fit each other, and what the streams throw.
  public func write(_ selection: DigitSelection, to sink: ByteSink) throws {
    let labelReader = try labels.map { path in
      let reader = try TensorReader(ByteSource(path: path))
      try Self.require(reader, rank: 0, "labels, one u1 each")
      return reader
    }
    let imageReader = try images.map { path in
      let reader = try TensorReader(ByteSource(path: path))
      try Self.require(reader, rank: 2, "images, H x W of u1")
      return reader
    }
    if let imageReader, let labelReader, imageReader.declaredRows != labelReader.declaredRows {
      throw DigitError.countsDiffer(
        images: imageReader.name, count: imageReader.declaredRows,
        labels: labelReader.name, labelCount: labelReader.declaredRows)
    }
    guard let reader = selection.file == .images ? imageReader : labelReader else { return }

    let keeps = try selection.classes.map { classes in
      try Self.memberships(of: classes, labelReader, folder: folder, split: split)
    }
    if let keeps, keeps.count != reader.declaredRows {
      throw DigitError.countsDiffer(
        images: images ?? reader.name, count: reader.declaredRows,
        labels: labels ?? reader.name, labelCount: keeps.count)
    }
    let wanted = keeps.map { $0.count { $0 } } ?? reader.declaredRows
    // The labels have been read to the end to be chosen from: they are read anew to be written.
    let rows =
      keeps != nil && selection.file == .labels
      ? try TensorReader(ByteSource(path: reader.name)) : reader
    try Self.copy(
      rows, keeping: keeps, count: min(wanted, selection.limit), as: selection.pixels, to: sink)
  }

  private static func require(_ reader: TensorReader, rank: Int, _ expected: String) throws {
    guard reader.elementType == .u1, reader.rowShape.count == rank else {
      throw DigitError.notThisKind(
        name: reader.name, expected: expected, rowShape: reader.rowShape, type: reader.elementType)
    }
  }

  /// For each label, whether it is among `classes`.
  private static func memberships(
    of classes: Set<UInt8>, _ labels: TensorReader?, folder: String, split: DigitSplit
  ) throws -> [Bool] {
    guard let labels else {
      throw DigitError.noLabels(folder: folder, file: DigitFile.labels.names(split)[0])
    }
    let store = try RowStore(labels)
    return UnsafeBufferPointer(start: store.bytes, count: store.rows).map(classes.contains)
  }

  /// Copies the first `count` rows of those kept.
  private static func copy(
    _ reader: TensorReader, keeping keeps: [Bool]?, count: Int, as pixels: DigitSelection.Pixels,
    to sink: ByteSink
  ) throws {
    let writer = try TensorWriter(
      sink, type: pixels == .bytes ? .u1 : .f4, rowShape: reader.rowShape, rows: count)
    let bytes = GrowableBuffer<UInt8>()
    var floats: [Float] = []
    var row = 0
    while writer.rowsWritten < count {
      bytes.count = 0
      guard try reader.append(to: bytes, maxRows: 1) == 1 else { break }
      defer { row += 1 }
      if let keeps, !keeps[row] { continue }
      let values = UnsafeBufferPointer(start: bytes.base, count: bytes.count)
      if pixels == .bytes {
        try writer.write(values)
      } else {
        floats.removeAll(keepingCapacity: true)
        floats.append(contentsOf: values.lazy.map(pixels.value(of:)))
        try floats.withUnsafeBufferPointer(writer.write)
      }
    }
    // A gzip file says at its end whether all before was right.
    if row == reader.declaredRows { _ = try reader.append(to: bytes, maxRows: 1) }
    try writer.finish()
  }
}

extension DigitSelection.Pixels {
  /// In `Float`, as torchvision's `ToTensor` and `Normalize` have it.
  fileprivate func value(of byte: UInt8) -> Float {
    let unit = Float(byte) / 255
    switch self {
    case .bytes: return Float(byte)
    case .unit: return unit
    case .normalized(let mean, let deviation): return (unit - Float(mean)) / Float(deviation)
    }
  }
}
