import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How alike points are, as t-SNE has it (van der Maaten and Hinton, "Visualizing data using
/// t-SNE", 2008): p_ij = (p_j|i + p_i|j) / 2N, where p_j|i is a Gaussian around point i whose width
/// gives the wanted perplexity. Only neighbours have any (van der Maaten, "Accelerating t-SNE using
/// tree-based algorithms", 2014). A symmetric sparse matrix whose values add up to 1, by rows.
package struct Affinities: @unchecked Sendable {
  package let offsets: [Int]
  package let columns: [UInt32]
  package let values: [Float]
  /// Σ p·ln p.
  package let negativeEntropy: Double

  /// Rows a task.
  private static let block = 256

  package init(_ neighbours: Neighbours, perplexity: Double, pool: WorkerPool) {
    let (rows, count) = (neighbours.rows, neighbours.count)
    var conditional = [Float](repeating: 0, count: rows * count)
    conditional.withUnsafeMutableBufferPointer { conditional in
      nonisolated(unsafe) let conditional = conditional
      neighbours.squaredDistances.withUnsafeBufferPointer { distances in
        nonisolated(unsafe) let distances = distances
        pool.run(tasks: (rows + Self.block - 1) / Self.block) { task, _ in
          for row in (task * Self.block)..<min((task + 1) * Self.block, rows) {
            let range = (row * count)..<((row + 1) * count)
            Self.fit(
              UnsafeBufferPointer(rebasing: distances[range]), perplexity: perplexity,
              into: UnsafeMutableBufferPointer(rebasing: conditional[range]))
          }
        }
      }
    }
    self.init(rows: rows, count: count, indices: neighbours.indices, conditional: conditional)
  }

  /// p_j|i ∝ exp(−βd²) with the β that gives the perplexity 2^H, by bisection; where no β does,
  /// the nearest there is.
  package static func fit(
    _ squaredDistances: UnsafeBufferPointer<Float>, perplexity: Double,
    into p: UnsafeMutableBufferPointer<Float>
  ) {
    let wanted = log(perplexity)
    let nearest = Double(squaredDistances.min() ?? 0)
    let excess = squaredDistances.reduce(0.0) { $0 + (Double($1) - nearest) }
    var beta = excess > 0 ? Double(squaredDistances.count) / excess : 1
    var (low, high) = (0.0, Double.infinity)
    for _ in 0..<100 {
      // Relative to the nearest, so that not all can underflow.
      var sum = 0.0
      var moment = 0.0
      for (index, squared) in squaredDistances.enumerated() {
        let distance = Double(squared) - nearest
        let value = exp(-beta * distance)
        p[index] = Float(value)
        sum += value
        moment += value * distance
      }
      for index in p.indices { p[index] = Float(Double(p[index]) / sum) }
      let surplus = log(sum) + beta * moment / sum - wanted
      if surplus.magnitude < 1e-5 { return }
      if surplus > 0 { low = beta } else { high = beta }
      beta = high < .infinity ? (low + high) / 2 : beta * 2
      guard beta < .greatestFiniteMagnitude else { return }
    }
  }

  /// The symmetric matrix of what points are to each other.
  private init(rows: Int, count: Int, indices: [UInt32], conditional: [Float]) {
    // Each row's neighbours by number, and, for each point, the rows it is a neighbour of.
    var forward: [(column: UInt32, p: Float)] = []
    forward.reserveCapacity(rows * count)
    var starts = [Int](repeating: 0, count: rows + 1)
    for row in 0..<rows {
      let range = (row * count)..<((row + 1) * count)
      forward += range.map { (indices[$0], conditional[$0]) }.sorted { $0.column < $1.column }
      for index in indices[range] { starts[Int(index) + 1] += 1 }
    }
    for row in 0..<rows { starts[row + 1] += starts[row] }
    var backward = [(column: UInt32, p: Float)](repeating: (0, 0), count: rows * count)
    var ends = starts
    for row in 0..<rows {
      for (column, p) in forward[(row * count)..<((row + 1) * count)] {
        backward[ends[Int(column)]] = (UInt32(row), p)
        ends[Int(column)] += 1
      }
    }

    var offsets = [0]
    var columns: [UInt32] = []
    var values: [Float] = []
    offsets.reserveCapacity(rows + 1)
    columns.reserveCapacity(2 * rows * count)
    values.reserveCapacity(2 * rows * count)
    let scale = Float(1 / (2 * Double(rows)))
    for row in 0..<rows {
      var own = forward[(row * count)..<((row + 1) * count)]
      var others = backward[starts[row]..<starts[row + 1]]
      while let next = [own.first?.column, others.first?.column].compactMap(\.self).min() {
        var p: Float = 0
        if own.first?.column == next { p += own.removeFirst().p }
        if others.first?.column == next { p += others.removeFirst().p }
        columns.append(next)
        values.append(p * scale)
      }
      offsets.append(columns.count)
    }
    self.offsets = offsets
    self.columns = columns
    self.values = values
    negativeEntropy = values.reduce(0.0) {
      $1 > 0 ? $0 + Double($1) * log(Double($1)) : $0
    }
  }
}
