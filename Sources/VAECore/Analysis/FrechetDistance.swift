import CKernels
import CLAPACK

/// The Fréchet distance between the rows of two streams, as normal distributions of their means m, n
/// and covariances A, B: |m − n|² + trace(A + B − 2(AB)^½), a square, as the field reports it
/// (D. C. Dowson and B. V. Landau, "The Fréchet distance between multivariate normal distributions",
/// Journal of Multivariate Analysis, 1982). Covariances are over the number of rows − 1.
///
/// Computed in `Double`; memory grows with the square of the row size and not with the rows.
/// - Throws: `AnalysisError` for fewer than two rows or too wide ones, `ComputeError`, and what the
///   readers throw.
package func frechetDistance(_ a: TensorReader, _ b: TensorReader, pool: WorkerPool) throws
  -> Double
{
  try requireLAPACK()
  try b.require(rowSize: a.rowSize)
  let (first, second) = (try moments(of: a, pool: pool), try moments(of: b, pool: pool))
  var distance = 0.0
  for (x, y) in zip(first.mean, second.mean) { distance += (x - y) * (x - y) }
  for i in 0..<a.rowSize {
    distance += first.covariance.base[i * first.pitch + i]
    distance += second.covariance.base[i * second.pitch + i]
  }
  return max(0, distance - 2 * (try traceOfRoot(first, second, pool: pool)))
}

/// Rows with more values than this are refused: their covariances take 3 GiB.
private let maximumWidth = 8192

private struct Moments {
  /// [width]
  let mean: [Double]
  /// [pitch, pitch], symmetric; zero beyond `width`.
  let covariance: AlignedBuffer<Double>
  let pitch: Int
}

private func moments(of reader: TensorReader, pool: WorkerPool) throws -> Moments {
  guard reader.rowSize <= maximumWidth else {
    throw AnalysisError.rowsTooWide(name: reader.name, most: maximumWidth, got: reader.rowSize)
  }
  let sum = try Covariance(width: reader.rowSize, pool: pool)
  let batch = RowBatch()
  while try batch.fill(from: reader, maxRows: Covariance.batch) {
    if let base = batch.values.baseAddress { sum.add(base, rows: batch.rows) }
  }
  guard sum.rows > 1 else {
    throw AnalysisError.tooFewRows(name: reader.name, expected: 2, got: sum.rows)
  }
  let (mean, matrix) = sum.finish()
  for i in 0..<sum.width {
    for j in 0..<i { matrix.base[i * sum.pitch + j] = matrix.base[j * sum.pitch + i] }
  }
  return Moments(mean: mean, covariance: matrix, pitch: sum.pitch)
}

/// trace((AB)^½), the sum of the singular values of S·Tᵀ, where A = Sᵀ·S and B = Tᵀ·T. So nothing
/// is squared and no root is taken of what rounding left, and the covariances may be of any rank.
/// Destroys both.
private func traceOfRoot(_ a: Moments, _ b: Moments, pool: WorkerPool) throws -> Double {
  guard let left = try factor(a), let right = try factor(b) else { return 0 }
  let product = try AlignedBuffer<Double>(count: left.panels.columns * right.panels.columns)
  left.panels.transposed(
    times: right.panels, pool: pool, into: product.base, pitch: right.panels.columns)
  let values = try AlignedBuffer<Double>(count: min(left.rank, right.rank))
  let code = vt_singular_values(
    Int32(right.rank), Int32(left.rank), product.base, Int32(right.panels.columns), values.base)
  guard code == 0 else { throw AnalysisError.noEigenvalues(code: Int(code)) }
  return values.buffer.reduce(0, +)
}

/// Sᵀ: the eigenvectors of a covariance as columns, each times the root of its eigenvalue. Those
/// whose eigenvalue is 0, as far as rounding can tell, are left out; nil where none is left.
private func factor(_ moments: Moments) throws -> (panels: Panels, rank: Int)? {
  let width = moments.mean.count
  let values = try AlignedBuffer<Double>(count: width)
  let vectors = try AlignedBuffer<Double>(count: width * width)
  let code = vt_symmetric_eigen(
    Int32(width), moments.covariance.base, Int32(moments.pitch), Int32(width), values.base,
    vectors.base)
  guard code == 0 else { throw AnalysisError.noEigenvalues(code: Int(code)) }
  let rounding = max(0, Double(width) * .ulpOfOne * values.base[width - 1])
  guard let first = (0..<width).first(where: { values.base[$0] > rounding }) else { return nil }
  let panels = try Panels(rows: moments.pitch, columns: width - first)
  for index in first..<width {
    let root = values.base[index].squareRoot()
    for row in 0..<width {
      panels.set(row, index - first, root * vectors.base[index * width + row])
    }
  }
  return (panels, width - first)
}

/// A matrix as the kernels read it: panels of `vt_panel` columns, each row-major, one after the
/// other, filled up with zeros.
private struct Panels {
  static let width = Int(vt_panel)
  let rows: Int
  /// In whole panels.
  let columns: Int
  /// [columns / width, rows, width]
  private let values: AlignedBuffer<Double>

  init(rows: Int, columns: Int) throws {
    self.rows = rows
    self.columns = (columns + Self.width - 1) / Self.width * Self.width
    values = try AlignedBuffer(count: rows * self.columns)
  }

  func set(_ row: Int, _ column: Int, _ value: Double) {
    values.base[(column / Self.width * rows + row) * Self.width + column % Self.width] = value
  }

  /// Adds the product of this matrix, transposed, and another to `product`, whose rows are `pitch`
  /// apart: [columns, other.columns].
  func transposed(
    times other: Panels, pool: WorkerPool, into product: UnsafeMutablePointer<Double>, pitch: Int
  ) {
    pool.run(tasks: columns / Self.width) { task, _ in
      let row = task * Self.width
      for column in stride(from: 0, to: other.columns, by: Self.width) {
        vt_panel_product(
          product + row * pitch + column, pitch, values.base + row * rows,
          other.values.base + column * rows, rows)
      }
    }
  }
}
