import CKernels

/// The points of a layout, where they go next, and how they move.
struct Layout: @unchecked Sendable {
  private(set) var x: AlignedBuffer<Float>
  private(set) var y: AlignedBuffer<Float>
  private(set) var nextX: AlignedBuffer<Float>
  private(set) var nextY: AlignedBuffer<Float>
  /// A number for each task.
  let parts: AlignedBuffer<Double>
  private let velocity: [AlignedBuffer<Float>]
  private let gain: [AlignedBuffer<Float>]

  /// The greater part of the start's extent, and what noise adds to it.
  private static let deviation = 1e-4
  private static let noise: Float = 1e-6

  init(points: Int) throws {
    func one<Element>() throws -> AlignedBuffer<Element> { try AlignedBuffer(count: points) }
    (x, y, nextX, nextY) = (try one(), try one(), try one(), try one())
    parts = try one()
    velocity = [try one(), try one()]
    gain = [try one(), try one()]
    for gain in gain { gain.buffer.update(repeating: 1) }
  }

  /// Starts at the first two principal components, the first with a standard deviation of 1e-4
  /// (Kobak and Linderman, "Initialization is critical for preserving global data structure in
  /// both t-SNE and UMAP", 2021), and a hundredth of that in noise, so that equal rows can part;
  /// or at noise alone.
  mutating func start(_ rows: RowStore, options: TSNEOptions, pool: WorkerPool) throws {
    let normals = try AlignedBuffer<Float>(count: 2 * rows.rows)
    Noise(seed: options.seed, purpose: .initialise).normals(
      into: normals.base, rows: rows.rows, columns: 2, stride: 2)
    let share = options.randomStart ? Float(Self.deviation) : Self.noise
    for row in 0..<rows.rows {
      x.base[row] = share * normals.base[2 * row]
      y.base[row] = share * normals.base[2 * row + 1]
    }
    if options.randomStart { return }
    let pca = try PCA(of: rows, components: min(2, rows.rowSize, rows.rows), pool: pool)
    let variance = pca.explainedVariance[0] * (1 - 1 / Double(rows.rows))
    guard variance > 0 else { return }
    let scale = Float(Self.deviation / variance.squareRoot())
    let projector = try PCAProjector(pca, pool: pool)
    let output = try AlignedBuffer<Float>(count: projector.capacity * pca.count)
    try projector.forEachInput(of: rows) { input, range in
      projector.apply(input, count: range.count, firstRow: range.lowerBound, into: output.base)
      for (index, row) in range.enumerated() {
        x.base[row] += scale * output.base[index * pca.count]
        if pca.count > 1 { y.base[row] += scale * output.base[index * pca.count + 1] }
      }
    }
  }

  /// Makes the next places the present ones.
  mutating func turn() {
    swap(&x, &nextX)
    swap(&y, &nextY)
  }

  var kernels: vt_layout {
    vt_layout(
      x: x.base, y: y.base, velocity_x: velocity[0].base, velocity_y: velocity[1].base,
      gain_x: gain[0].base, gain_y: gain[1].base)
  }
}
