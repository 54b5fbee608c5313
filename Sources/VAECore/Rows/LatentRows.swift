#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which latents `writeLatentGrid` varies.
package enum LatentGrid: Equatable, Sendable {
  /// Each by itself, the others left as they are: latents · steps rows, a latent after the other.
  case traversal
  /// Two together: steps² rows, the first latent from left to right and the second from bottom to
  /// top of a grid of that many columns.
  case plane(Int, Int)
}

/// The quantiles of the standard normal distribution at (i + ½)/steps: each stands for an equal
/// share of what a prior draws.
package func normalQuantiles(_ steps: Int) -> [Double] {
  let lower = (0..<(steps + 1) / 2).map { i -> Double in
    // Half way between the bounds until they meet; erfc is exact far into the tail.
    let share = (Double(i) + 0.5) / Double(steps)
    if 2 * i + 1 == steps { return 0 }
    var (low, high) = (-40.0, 0.0)
    while true {
      let middle = (low + high) / 2
      guard middle > low, middle < high else { return middle }
      if erfc(-middle / 2.0.squareRoot()) / 2 < share { low = middle } else { high = middle }
    }
  }
  return lower + lower.prefix(steps / 2).reversed().map { -$0 }
}

/// Writes latents as f4 rows for a decoder: those at a place, with some of them set to each of the
/// normal distribution's quantiles in turn.
/// - Parameters:
///   - place: rows of `latents` values, each of which is varied; nil is the prior's mean, 0.
/// - Throws: `StreamError`.
package func writeLatentGrid(
  _ grid: LatentGrid, latents: Int, steps: Int, at place: TensorReader?, to sink: ByteSink
) throws {
  let values = normalQuantiles(steps).map { Float($0) }
  let rowsEach = steps.multipliedReportingOverflow(by: grid == .traversal ? latents : steps)
  let count = rowsEach.partialValue.multipliedReportingOverflow(by: place?.declaredRows ?? 1)
  guard !rowsEach.overflow, !count.overflow else {
    throw StreamError.badShape(name: sink.name, .overflow([.max, latents]))
  }
  let writer = try DeferredHeaderWriter(
    sink, type: .f4, rowShape: [latents],
    rows: place == nil ? .exactly(count.partialValue) : .atLeast(count.partialValue))
  func write(around row: [Float]) throws {
    var row = row
    func write() throws { try row.withUnsafeBufferPointer(writer.write) }
    switch grid {
    case .traversal:
      for latent in 0..<latents {
        let own = row[latent]
        for value in values {
          row[latent] = value
          try write()
        }
        row[latent] = own
      }
    case .plane(let across, let up):
      for high in values.reversed() {
        row[up] = high
        for value in values {
          row[across] = value
          try write()
        }
      }
    }
  }
  if let place {
    try place.require(rowSize: latents)
    let batch = RowBatch()
    while try batch.fill(from: place, maxRows: 1) { try write(around: Array(batch.values)) }
  } else {
    try write(around: [Float](repeating: 0, count: latents))
  }
  try writer.finish()
}
