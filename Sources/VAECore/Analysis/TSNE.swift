import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// How rows are laid out by t-SNE. The defaults are scikit-learn's.
public struct TSNEOptions: Sendable, Equatable {
  /// About how many neighbours a point attends to.
  public var perplexity = 30.0
  public var iterations = 1000
  public var seed: UInt64 = 0
  /// Start from noise, and not from the first two principal components.
  public var randomStart = false
  /// How coarsely repulsion is summed; 0 is exact. nil: exact for up to 10,000 rows, else 0.25.
  public var theta: Double?

  public init() {}
}

/// What a run says of itself.
public enum TSNEEvent {
  /// The share of the rows whose neighbours are found.
  case neighbours(share: Double)
  /// Iterations done. The divergence, in nats, is known now and then, and after the last.
  case iteration(Int, divergence: Double?)
}

/// t-distributed stochastic neighbour embedding in the plane (van der Maaten and Hinton,
/// "Visualizing data using t-SNE", 2008), with the schedule of scikit-learn: PCA start, affinities
/// exaggerated by 12 and momentum ½ for 250 iterations, then 0.8; learning rate N/48, at least 50
/// (Belkina et al., 2019).
///
/// The same rows, options and build give the same layout, for any number of workers.
public final class TSNE {
  public let rows: Int
  public let options: TSNEOptions

  private let pool: WorkerPool
  private let affinities: Affinities
  private let repulsion: Repulsion
  private var layout: Layout

  private static let exaggeration: Float = 12
  private static let exaggerated = 250
  /// Iterations between looks at the divergence.
  private static let divergencePeriod = 50
  /// Up to this many rows, all pairs are summed: about 3 ms an iteration and core.
  private static let exactRows = 10_000
  /// Rows a task.
  private static let block = 128

  /// Finds neighbours, affinities and a start. Holds the rows as floats meanwhile.
  ///
  /// - Throws: `AnalysisError` for a perplexity that is not less than the number of rows, or rows
  ///   too wide for PCA; `ComputeError`.
  public init(
    _ rows: RowStore, options: TSNEOptions, pool: WorkerPool,
    report: (TSNEEvent) -> Void = { _ in }
  ) throws {
    self.rows = rows.rows
    self.options = options
    self.pool = pool
    guard Double(rows.rows) > options.perplexity, rows.rows > 1 else {
      throw AnalysisError.perplexity(
        name: rows.name, options.perplexity, rows: rows.rows)
    }
    layout = try Layout(points: rows.rows)
    try layout.start(rows, options: options, pool: pool)
    let count = min(rows.rows - 1, Int(3 * options.perplexity + 1))
    let neighbours = try Neighbours(of: rows, count: count, pool: pool) {
      report(.neighbours(share: $0))
    }
    affinities = Affinities(neighbours, perplexity: options.perplexity, pool: pool)
    let theta = options.theta ?? (rows.rows <= Self.exactRows ? 0 : 0.25)
    repulsion = try Repulsion(points: rows.rows, theta: Float(theta), pool: pool)
  }

  /// Moves the points, `options.iterations` times. Returns the Kullback–Leibler divergence of the
  /// layout from the rows, in nats.
  public func run(report: (TSNEEvent) -> Void = { _ in }) -> Double {
    var divergence: Double?
    for iteration in 0..<options.iterations {
      let early = iteration < Self.exaggerated
      step(exaggeration: early ? Self.exaggeration : 1, momentum: early ? 0.5 : 0.8)
      let done = iteration + 1
      let due = done % Self.divergencePeriod == 0 || done == options.iterations
      divergence = due ? self.divergence() : nil
      report(.iteration(done, divergence: divergence))
    }
    return divergence ?? self.divergence()
  }

  /// Writes the points as rows of two. The sink is the caller's to finish.
  public func write(to sink: ByteSink) throws {
    let writer = try TensorWriter(sink, type: .f4, rowShape: [2], rows: rows)
    let points = coordinates
    try points.withUnsafeBufferPointer(writer.write)
    try writer.finish()
  }

  /// [rows × 2]
  public var coordinates: [Float] {
    (0..<rows).flatMap { [layout.x.base[$0], layout.y.base[$0]] }
  }

  /// ln Z of the layout as it is, and its divergence: Σ p·ln p + Σ p·ln(1 + r²) + ln Z.
  package func divergence() -> Double {
    let z = repulsion.update(layout.x.base, layout.y.base)
    let tasks = (rows + Self.block - 1) / Self.block
    let parts = layout.parts
    withAffinities { affinities in
      pool.run(tasks: tasks) { [layout, rows] task, _ in
        parts.base[task] = vt_tsne_stress(
          layout.x.base, layout.y.base, affinities, task * Self.block,
          min((task + 1) * Self.block, rows))
      }
    }
    return affinities.negativeEntropy + (0..<tasks).reduce(0.0) { $0 + parts.base[$1] } + log(z)
  }

  private func step(exaggeration: Float, momentum: Float) {
    let z = repulsion.update(layout.x.base, layout.y.base)
    let step = vt_tsne_step(
      exaggeration: exaggeration, inverse_z: z > 0 ? Float(1 / z) : 0,
      rate: max(Float(rows) / Self.exaggeration / 4, 50), momentum: momentum)
    withAffinities { affinities in
      pool.run(tasks: (rows + Self.block - 1) / Self.block) { [layout, repulsion, rows] task, _ in
        vt_tsne_move(
          layout.nextX.base, layout.nextY.base, layout.kernels, affinities, repulsion.forces,
          task * Self.block, min((task + 1) * Self.block, rows), step)
      }
    }
    layout.turn()
  }

  private func withAffinities(_ body: (vt_affinities) -> Void) {
    affinities.offsets.withUnsafeBufferPointer { offsets in
      affinities.columns.withUnsafeBufferPointer { columns in
        affinities.values.withUnsafeBufferPointer { values in
          body(
            vt_affinities(
              offset: offsets.baseAddress, column: columns.baseAddress, p: values.baseAddress))
        }
      }
    }
  }
}
