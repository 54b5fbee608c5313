import CKernels

/// Rows to their coordinates along principal components: (x − mean)·componentsᵀ.
public final class PCAProjector: RowTransform {
  public let inputSize: Int
  public let outputSize: Int
  public let capacity = 16 * PCAProjector.block

  /// Rows a task.
  private static let block = 64
  private let pool: WorkerPool
  private let mean: AlignedBuffer<Double>
  private let components: AlignedBuffer<Float>
  private let centred: [AlignedBuffer<Float>]
  private let projected: [AlignedBuffer<Float>]
  private let matmul: Matmul

  /// - Parameter whiten: divide each coordinate by its standard deviation, so that all have
  ///   variance 1; those without variance stay as they are.
  /// - Throws: `ComputeError`.
  public init(_ pca: PCA, whiten: Bool = false, pool: WorkerPool) throws {
    inputSize = pca.width
    outputSize = pca.count
    self.pool = pool
    mean = try AlignedBuffer(count: inputSize)
    _ = mean.buffer.update(fromContentsOf: pca.mean)
    components = try AlignedBuffer(count: inputSize * outputSize)
    for index in pca.components.indices {
      let variance = pca.explainedVariance[index / pca.width]
      let scale = whiten && variance > 0 ? 1 / variance.squareRoot() : 1
      components.base[index] = Float(pca.components[index] * scale)
    }
    let (width, count) = (inputSize, outputSize)
    centred = try (0..<pool.count).map { _ in try AlignedBuffer(count: Self.block * width) }
    projected = try (0..<pool.count).map { _ in try AlignedBuffer(count: Self.block * count) }
    matmul = try Matmul(
      m: Self.block, n: count, k: width, a: .init(row: width), b: .transposed(row: width),
      c: count, input: .f32, workers: pool.count)
  }

  public func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into output: UnsafeMutablePointer<Float>
  ) {
    pool.run(tasks: (count + Self.block - 1) / Self.block) { [self] task, worker in
      let first = task * Self.block
      let rows = min(Self.block, count - first)
      // Rows beyond the last hold what was there before; their results are not used.
      vt_centre(
        centred[worker].base, input + first * inputSize, mean.base, rows, inputSize)
      matmul.run(
        a: centred[worker].base, b: components.base, c: projected[worker].base, worker: worker)
      (output + first * outputSize).update(
        from: projected[worker].base, count: rows * outputSize)
    }
  }
}
