import CLAPACK

/// - Throws: `ComputeError.noLibrary` where LAPACK cannot be loaded.
func requireLAPACK() throws {
  if let reason = vt_lapack_load() {
    throw ComputeError.noLibrary(name: "LAPACK", reason: String(cString: reason))
  }
}

/// Principal component analysis (Hotelling, 1933): the directions along which rows vary most.
/// Exact; up to rounding the figures are those of scikit-learn's `PCA(svd_solver="full")`.
public struct PCA: Sendable, Equatable {
  /// The mean of the rows.
  public let mean: [Double]
  /// [count × width], one direction of length 1 after the other, of falling variance. In each, the
  /// value of the greatest magnitude is positive.
  public let components: [Double]
  /// The variance of the rows along each component, over the number of rows − 1.
  public let explainedVariance: [Double]
  /// Its share of the whole variance.
  public let explainedVarianceRatio: [Double]

  /// Values in a row.
  public var width: Int { mean.count }
  public var count: Int { explainedVariance.count }

  /// Rows with more values than this are refused: their covariance takes 2 GiB and its
  /// eigenvectors an hour.
  public static let maximumWidth = 16_384

  /// Finds the first `count` components.
  ///
  /// - Throws: `AnalysisError` for fewer than two rows, too wide ones, or more components than
  ///   there are; `ComputeError`.
  public init(of rows: RowStore, components count: Int, pool: WorkerPool) throws {
    try requireLAPACK()
    guard rows.rows > 1 else {
      throw AnalysisError.tooFewRows(name: rows.name, expected: 2, got: rows.rows)
    }
    guard rows.rowSize <= Self.maximumWidth else {
      throw AnalysisError.rowsTooWide(
        name: rows.name, most: Self.maximumWidth, got: rows.rowSize)
    }
    let most = min(rows.rows, rows.rowSize)
    guard 1...most ~= count else {
      throw AnalysisError.tooManyComponents(name: rows.name, most: most, asked: count)
    }
    let covariance = try Covariance(width: rows.rowSize, pool: pool)
    let batch = try AlignedBuffer<Float>(count: Covariance.batch * rows.rowSize)
    for first in stride(from: 0, to: rows.rows, by: Covariance.batch) {
      let range = first..<min(first + Covariance.batch, rows.rows)
      rows.copy(range, into: batch.base)
      covariance.add(batch.base, rows: range.count)
    }
    try self.init(covariance, components: count)
  }

  /// The components of a covariance that is finished by this.
  package init(_ covariance: Covariance, components count: Int) throws {
    try requireLAPACK()
    let width = covariance.width
    let (mean, matrix) = covariance.finish()
    let total = (0..<width).reduce(0.0) { $0 + matrix.base[$1 * covariance.pitch + $1] }
    let values = try AlignedBuffer<Double>(count: width)
    let vectors = try AlignedBuffer<Double>(count: width * count)
    let code = vt_symmetric_eigen(
      Int32(width), matrix.base, Int32(covariance.pitch), Int32(count), values.base, vectors.base)
    guard code == 0 else { throw AnalysisError.noEigenvalues(code: Int(code)) }

    self.mean = mean
    var components: [Double] = []
    components.reserveCapacity(width * count)
    for index in (0..<count).reversed() {
      let vector = UnsafeBufferPointer(start: vectors.base + index * width, count: width)
      let longest = vector.reduce(0.0) { $1.magnitude > $0.magnitude ? $1 : $0 }
      components.append(contentsOf: vector.lazy.map { longest < 0 ? -$0 : $0 })
    }
    self.components = components
    explainedVariance = (0..<count).reversed().map { max(values.base[$0], 0) }
    explainedVarianceRatio = explainedVariance.map { total > 0 ? $0 / total : 0 }
  }

  init(
    mean: [Double], components: [Double], explainedVariance: [Double],
    explainedVarianceRatio: [Double]
  ) {
    self.mean = mean
    self.components = components
    self.explainedVariance = explainedVariance
    self.explainedVarianceRatio = explainedVarianceRatio
  }

  /// The first `count` components alone; `name` is what messages call this analysis.
  public func prefix(_ count: Int, name: String) throws -> PCA {
    guard 1...self.count ~= count else {
      throw AnalysisError.tooManyComponents(name: name, most: self.count, asked: count)
    }
    return PCA(
      mean: mean, components: Array(components.prefix(count * width)),
      explainedVariance: Array(explainedVariance.prefix(count)),
      explainedVarianceRatio: Array(explainedVarianceRatio.prefix(count)))
  }

  /// In words: `explained variance 9.7 % 5.0 %, together 14.7 %`.
  public var summary: String {
    let shown = explainedVarianceRatio.prefix(10).map { "\(fixed($0 * 100, 1)) %" }
    let more = count > shown.count ? " …" : ""
    let together = fixed(explainedVarianceRatio.reduce(0, +) * 100, 1)
    return "explained variance \(shown.joined(separator: " "))\(more), together \(together) %"
  }
}
