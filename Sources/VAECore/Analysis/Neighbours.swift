import CKernels

/// The nearest other rows of each row, by Euclidean distance; exact, but for the order of those
/// whose distances differ by less than `Float` can tell.
package struct Neighbours {
  package let rows: Int
  /// Neighbours a row.
  package let count: Int
  /// [rows × count], nearest first.
  package private(set) var indices: [UInt32]
  /// Their squared distances, in units in which the largest value of the centred rows is about 1.
  package private(set) var squaredDistances: [Float]

  /// Rows a task, and candidates they are compared with at a time.
  private static let block = 128
  private static let candidates = 1024
  /// Neighbours more than wanted that are looked at closely: ‖x‖² + ‖y‖² − 2x·y, which finds them,
  /// loses digits that ‖x − y‖², which ranks them, does not.
  private static let spare = 16

  /// Finds the `count` nearest of each row; there must be more rows than that.
  ///
  /// - Parameter progress: told now and then, by the calling thread, the share that is done.
  /// - Throws: `ComputeError`.
  package init(
    of rows: RowStore, count: Int, pool: WorkerPool, progress: (Double) -> Void = { _ in }
  ) throws {
    precondition(count > 0 && count < rows.rows && rows.rows <= Int(UInt32.max))
    self.rows = rows.rows
    self.count = count
    let points = try ScaledRows(rows, multipleOf: Self.candidates)
    let (width, total) = (points.width, rows.rows)
    let matmul = try Matmul(
      m: Self.block, n: Self.candidates, k: width, a: .init(row: width),
      b: .transposed(row: width), c: Self.candidates, input: .f32, workers: pool.count)
    let search = try (0..<pool.count).map { _ in
      try Search(
        block: Self.block, candidates: Self.candidates,
        wanted: min(count + 1 + Self.spare, total), capacity: 2 * (count + 1 + Self.spare))
    }
    var indices = [UInt32](repeating: 0, count: total * count)
    var distances = [Float](repeating: 0, count: total * count)
    let tasks = (total + Self.block - 1) / Self.block
    indices.withUnsafeMutableBufferPointer { indices in
      distances.withUnsafeMutableBufferPointer { distances in
        nonisolated(unsafe) let (indices, distances) = (indices, distances)
        // Parts of the work, so that there is progress to tell of between them.
        let part = max(pool.count * 4, tasks / 50)
        for start in stride(from: 0, to: tasks, by: part) {
          pool.run(tasks: min(part, tasks - start)) { task, worker in
            let first = (start + task) * Self.block
            search[worker].run(
              first..<min(first + Self.block, total), among: points, count: count,
              matmul: matmul, worker: worker, indices: indices, distances: distances)
          }
          progress(Double(min(start + part, tasks)) / Double(tasks))
        }
      }
    }
    self.indices = indices
    squaredDistances = distances
  }
}

/// Rows moved to their mean and scaled by a power of two into reach of `Float`, with the squares
/// of their lengths. Rows of zeros, infinitely long, fill them up to a whole number of blocks.
private struct ScaledRows: @unchecked Sendable {
  let rows: Int
  let padded: Int
  let width: Int
  let values: AlignedBuffer<Float>
  let norms: AlignedBuffer<Float>

  init(_ store: RowStore, multipleOf block: Int) throws {
    rows = store.rows
    width = store.rowSize
    padded = (rows + block - 1) / block * block
    let (count, overflow) = padded.multipliedReportingOverflow(by: width)
    guard !overflow else { throw ComputeError.outOfMemory(bytes: .max) }
    values = try AlignedBuffer(count: count)
    norms = try AlignedBuffer(count: padded)
    store.copy(0..<rows, into: values.base)
    centre()
    for row in 0..<padded {
      let base = values.base + row * width
      norms.base[row] = row < rows ? (0..<width).reduce(0) { $0 + base[$1] * base[$1] } : .infinity
    }
  }

  private func centre() {
    var mean = [Double](repeating: 0, count: width)
    for row in 0..<rows {
      for i in 0..<width { mean[i] += Double(values.base[row * width + i]) / Double(rows) }
    }
    var largest = 0.0
    for row in 0..<rows {
      for i in 0..<width {
        largest = max(largest, (Double(values.base[row * width + i]) - mean[i]).magnitude)
      }
    }
    let scale = largest > 0 ? 1 / largest.binade : 1
    for row in 0..<rows {
      for i in 0..<width {
        let place = row * width + i
        values.base[place] = Float((Double(values.base[place]) - mean[i]) * scale)
      }
    }
  }
}

/// What one worker searches with.
private final class Search: @unchecked Sendable {
  private let products: AlignedBuffer<Float>
  private let values: AlignedBuffer<Float>
  private let found: AlignedBuffer<UInt32>
  private var nearest: [vt_nearest]
  private let candidates: Int
  private let wanted: Int

  init(block: Int, candidates: Int, wanted: Int, capacity: Int) throws {
    self.candidates = candidates
    self.wanted = wanted
    products = try AlignedBuffer(count: block * candidates)
    values = try AlignedBuffer(count: block * capacity)
    found = try AlignedBuffer(count: block * capacity)
    nearest = (0..<block).map { [values, found] row in
      vt_nearest(
        value: values.base + row * capacity, index: found.base + row * capacity, held: 0,
        k: wanted, capacity: capacity, threshold: .infinity)
    }
  }

  func run(
    _ range: Range<Int>, among points: ScaledRows, count: Int, matmul: Matmul, worker: Int,
    indices: UnsafeMutableBufferPointer<UInt32>, distances: UnsafeMutableBufferPointer<Float>
  ) {
    for row in nearest.indices {
      nearest[row].held = 0
      nearest[row].threshold = .infinity
    }
    for first in stride(from: 0, to: points.padded, by: candidates) {
      matmul.run(
        a: points.values.base + range.lowerBound * points.width,
        b: points.values.base + first * points.width,
        c: products.base, worker: worker)
      for row in 0..<range.count {
        vt_nearest_offer(
          &nearest[row], points.norms.base + first, products.base + row * candidates, candidates,
          UInt32(first))
      }
    }
    for (row, point) in range.enumerated() {
      vt_nearest_settle(&nearest[row])
      let ranked = rank(nearest[row], around: point, among: points)
      for (rank, (distance, other)) in ranked.prefix(count).enumerated() {
        indices[point * count + rank] = other
        distances[point * count + rank] = distance
      }
    }
  }
  /// What was found for a point, itself left out, by true distance.
  private func rank(
    _ found: vt_nearest, around point: Int, among points: ScaledRows
  ) -> [(distance: Float, other: UInt32)] {
    let (values, width) = (points.values.base, points.width)
    var ranked: [(distance: Float, other: UInt32)] = []
    for index in 0..<found.held where Int(found.index[index]) != point {
      let other = found.index[index]
      let distance = vt_squared_distance(
        values + point * width, values + Int(other) * width, width)
      ranked.append((distance, other))
    }
    ranked.sort { $0.distance < $1.distance || ($0.distance == $1.distance && $0.other < $1.other) }
    return ranked
  }
}
