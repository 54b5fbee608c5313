import CKernels

/// The covariance of rows that come a batch at a time, summed in `Double`. Memory grows with the
/// square of the row size and not with the rows.
package final class Covariance {
  /// The most rows `add` takes at once: a panel of them stays in the nearest cache.
  package static let batch = 128

  package let width: Int
  package private(set) var rows = 0
  /// The distance between rows of the matrix: `width`, in whole panels.
  package let pitch: Int
  private let pool: WorkerPool
  private let matrix: AlignedBuffer<Double>
  private let panels: AlignedBuffer<Double>
  /// Near enough the mean that nothing is lost when the products are corrected by it.
  private let centre: AlignedBuffer<Double>
  private let sums: AlignedBuffer<Double>

  /// - Throws: `ComputeError.outOfMemory`.
  package init(width: Int, pool: WorkerPool) throws {
    self.width = width
    self.pool = pool
    let panel = Int(vt_panel)
    pitch = (width + panel - 1) / panel * panel
    matrix = try AlignedBuffer(count: pitch * pitch)
    panels = try AlignedBuffer(count: pitch * Self.batch)
    centre = try AlignedBuffer(count: width)
    sums = try AlignedBuffer(count: pitch)
  }

  /// Adds up to `batch` rows of `width` values.
  package func add(_ values: UnsafePointer<Float>, rows count: Int) {
    precondition(count <= Self.batch)
    if rows == 0 { setCentre(values, rows: count) }
    rows += count
    vt_centre_panels(panels.base, values, centre.base, count, width, Self.batch)
    let panel = Int(vt_panel)
    pool.run(tasks: pitch / panel) { [self] task, _ in
      let first = task * panel
      let left = panels.base + first * Self.batch
      for row in 0..<count {
        for column in 0..<panel { sums.base[first + column] += left[row * panel + column] }
      }
      for second in stride(from: first, to: pitch, by: panel) {
        vt_panel_product(
          matrix.base + first * pitch + second, pitch, left, panels.base + second * Self.batch,
          count)
      }
    }
  }

  /// The mean of the rows and their covariance over `rows` − 1; of the matrix, whose rows are
  /// `pitch` apart, only i ≤ j is meant. Ends the summing; at least two rows must have come.
  package func finish() -> (mean: [Double], matrix: AlignedBuffer<Double>) {
    precondition(rows > 1)
    let count = Double(rows)
    for i in 0..<width {
      let row = matrix.base + i * pitch
      let shift = sums.base[i] / count
      for j in i..<width { row[j] = (row[j] - shift * sums.base[j]) / (count - 1) }
    }
    return ((0..<width).map { centre.base[$0] + sums.base[$0] / count }, matrix)
  }

  private func setCentre(_ values: UnsafePointer<Float>, rows: Int) {
    for row in 0..<rows {
      for i in 0..<width { centre.base[i] += Double(values[row * width + i]) / Double(rows) }
    }
  }
}
