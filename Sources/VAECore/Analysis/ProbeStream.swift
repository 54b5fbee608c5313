extension Probe {
  /// Calls `body` with each row of `probabilities`, counted from 0, and the position of its most
  /// probable class; the first of several.
  ///
  /// - Throws: `ProbeError.overflow` for a row that has no probabilities.
  func forEachPrediction(
    _ probabilities: UnsafeBufferPointer<Float>, firstRow: Int, of source: String,
    _ body: (_ row: Int, _ prediction: Int) throws -> Void
  ) throws {
    let count = classes.count
    for row in 0..<probabilities.count / count {
      let p = probabilities[row * count..<(row + 1) * count]
      guard p.allSatisfy(\.isFinite) else {
        throw ProbeError.overflow(source: source, row: firstRow + row)
      }
      try body(row, (p.firstIndex(of: p.max() ?? 0) ?? p.startIndex) - p.startIndex)
    }
  }

  /// Writes the label of each row of a stream, u1 where all labels fit it and else f4, or the
  /// probabilities of all classes, f4. Memory does not grow with the rows.
  ///
  /// - Parameters:
  ///   - labels: what the rows' labels really are.
  ///   - report: as of `forEachBatch`.
  /// - Returns: how the predictions compare with `labels`.
  /// - Throws: `StreamError` for rows of another size; `ProbeError.labelCount` where there are more
  ///   or fewer labels than rows.
  public func predict(
    _ reader: TensorReader, to sink: ByteSink, probabilities: Bool = false,
    comparing labels: LabelReader? = nil, precision: Precision = .f32, pool: WorkerPool,
    report: (_ rows: Int) -> Void = { _ in }
  ) throws -> Confusion? {
    let bytes = !probabilities && classes.allSatisfy { 0...255 ~= $0 }
    let writer = try TensorWriter(
      sink, type: bytes ? .u1 : .f4, rowShape: probabilities ? [classes.count] : [],
      rows: reader.declaredRows, continues: true)
    var (confusion, done) = (Confusion(classes: classes), 0)
    let name = reader.name
    try makePredictor(precision: precision, pool: pool).forEachBatch(of: reader, report: report) {
      values in
      var predictions: [Int] = []
      try forEachPrediction(values, firstRow: done, of: name) { predictions.append($1) }
      if probabilities {
        try writer.write(values)
      } else if bytes {
        try predictions.map { UInt8(classes[$0]) }.withUnsafeBufferPointer(writer.write)
      } else {
        try predictions.map { Float(classes[$0]) }.withUnsafeBufferPointer(writer.write)
      }
      if let labels {
        let wanted = try labels.next(predictions.count)
        for (label, prediction) in zip(wanted, predictions) {
          confusion.add(label: label, prediction: prediction)
        }
      }
      done += predictions.count
    }
    try writer.finish()
    guard let labels else { return nil }
    let surplus = try labels.countRest()
    let compared = confusion.rows + confusion.unlabelled
    guard compared == done, surplus == 0 else {
      throw ProbeError.labelCount(
        source: labels.name, expected: done, rows: name, got: compared + surplus)
    }
    return confusion
  }
}
