#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How a path runs from one row to the next.
public enum PathKind: Sendable, CaseIterable {
  /// On the straight line: (1 − t)·a + t·b.
  case straight
  /// On the arc, at even angles: sin((1 − t)ω)/sin ω·a + sin(tω)/sin ω·b, where ω is the angle
  /// between the rows (K. Shoemake, "Animating rotation with quaternion curves", SIGGRAPH 1985).
  /// Where no arc is defined, between rows on one line through the origin, it is straight.
  case spherical
}

/// Writes the path through all rows of a stream: from each row `steps` steps to the next, each row
/// once, so that n rows make (n − 1)·steps + 1. The rows themselves come out as they are; u1 counts
/// as value/255. Computed in Double, written as f4.
///
/// - Throws: `StreamError`, also for values that are not finite.
public func writePath(
  through reader: TensorReader, steps: Int, kind: PathKind = .straight, to sink: ByteSink
) throws {
  let writer = try DeferredHeaderWriter(
    sink, type: .f4, rowShape: reader.rowShape,
    rows: .atLeast(rowsOfPath(through: reader.declaredRows, steps: steps)))
  let batch = RowBatch()
  var last: [Float] = []
  var point = [Float](repeating: 0, count: 0)
  while try batch.fill(from: reader, maxRows: max(1, RowCarrier.elements / reader.rowSize)) {
    for row in 0..<batch.rows {
      let start = row * reader.rowSize
      let next = UnsafeBufferPointer(rebasing: batch.values[start..<(start + reader.rowSize)])
      if !last.isEmpty {
        let section = PathSection(from: last, to: next, kind: kind)
        for step in 1..<max(steps, 1) {
          section.point(at: Double(step) / Double(steps), from: last, to: next, into: &point)
          try point.withUnsafeBufferPointer(writer.write)
        }
      }
      try writer.write(next)
      last = Array(next)
    }
  }
  try writer.finish()
}

/// Never more than can be counted: a stream too long fails where its header is written.
private func rowsOfPath(through rows: Int, steps: Int) -> Int {
  guard rows > 0 else { return 0 }
  let (product, overflow) = (rows - 1).multipliedReportingOverflow(by: steps)
  return overflow || product == .max ? .max : product + 1
}

/// The path between two rows.
private struct PathSection {
  /// nil where the path is straight.
  private let angle: Double?

  init(from a: [Float], to b: UnsafeBufferPointer<Float>, kind: PathKind) {
    guard kind == .spherical else {
      angle = nil
      return
    }
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for i in a.indices {
      let (x, y) = (Double(a[i]), Double(b[i]))
      ab += x * y
      aa += x * x
      bb += y * y
    }
    let cosine = ab / (aa * bb).squareRoot()
    // Nearer to a line than rounding can tell; also where a row is zero, and the cosine no number.
    angle = cosine.magnitude < 1 - 1e-12 ? acos(cosine) : nil
  }

  func point(
    at t: Double, from a: [Float], to b: UnsafeBufferPointer<Float>, into output: inout [Float]
  ) {
    var weights = (1 - t, t)
    if let angle {
      let whole = sin(angle)
      weights = (sin((1 - t) * angle) / whole, sin(t * angle) / whole)
    }
    output.removeAll(keepingCapacity: true)
    for i in a.indices { output.append(Float(weights.0 * Double(a[i]) + weights.1 * Double(b[i]))) }
  }
}
