import CKernels

/// How a dictionary is learned.
public struct LearningOptions: Sendable, Equatable {
  /// The number of atoms, k.
  public var atoms: Int
  /// Of the codes; `nonnegative` is of the atoms too.
  public var coding: SparseOptions
  /// λ as a share of the smallest λ that makes all codes of all rows zero under the initial
  /// dictionary; replaces `coding.lambda`.
  public var lambdaRatio: Double?
  public var seed: UInt64 = 0
  public var epochs = 20
  /// Rows a mini-batch.
  public var batch = 256
  /// Ends when an epoch lowers the mean objective by less than this share of it.
  public var tolerance = 1e-3

  public init(atoms: Int, coding: SparseOptions) {
    self.atoms = atoms
    self.coding = coding
  }
}

/// One epoch of dictionary learning.
public struct LearningEpoch: Sendable, CustomStringConvertible {
  /// From 1.
  public let epoch: Int
  /// The mean objective of the epoch's rows, each under the dictionary it met.
  public let objective: Double
  /// Atoms replaced in the epoch, because no row used them.
  public let replaced: Int

  public var description: String {
    "learning: epoch \(epoch), objective \(shortFigure(objective))"
      + (replaced > 0 ? ", unused atoms replaced: \(replaced)" : "")
  }
}

/// Online dictionary learning (Mairal, Bach, Ponce and Sapiro, "Online learning for matrix
/// factorization and sparse coding", JMLR 2010): codes of a mini-batch of rows, their sufficient
/// statistics A = Σ aᵀa and B = Σ aᵀx with old rows fading, one pass of block coordinate descent
/// over the atoms. Rows come in a new random order each epoch; seed and rows decide the result,
/// the number of workers does not.
public final class DictionaryLearner {
  private let rows: RowStore
  private var options: LearningOptions
  private let pool: WorkerPool
  private let layout: AtomLayout
  private let workspaces: SparseWorkspaces
  private let statistics: AtomStatistics
  private let x, codes: AlignedBuffer<Float>
  private var solver: any BlockSolver
  private var certificates: [vt_certificate]
  private let status: AlignedBuffer<UInt8>
  private var seen = 0.0

  /// - Throws: `SparseError` for options out of range or rows without a non-zero value.
  public init(rows: RowStore, options: LearningOptions, pool: WorkerPool) throws {
    guard options.atoms >= 1 else {
      throw SparseError.badOption("at least one atom is needed, got \(options.atoms)")
    }
    guard options.epochs >= 1, options.batch >= 1 else {
      throw SparseError.badOption("at least one epoch and one row a batch are needed")
    }
    try options.coding.validate()
    self.rows = rows
    self.options = options
    self.pool = pool
    let (k, d) = (options.atoms, rows.rowSize)
    let batch = min(options.batch, max(rows.rows, 1))
    self.options.batch = batch
    layout = try AtomLayout(count: k, width: d)
    workspaces = try SparseWorkspaces(layout, workers: pool.count)
    x = try AlignedBuffer(count: batch * d)
    codes = try AlignedBuffer(count: batch * k)
    status = try AlignedBuffer(count: batch)
    certificates = Array(repeating: vt_certificate(), count: batch)
    statistics = try AtomStatistics(layout, batch: batch, workers: pool.count)
    try chooseInitialAtoms(
      of: rows, seed: options.seed, nonnegative: options.coding.nonnegative, into: layout)
    layout.update(pool: pool)
    if let ratio = options.lambdaRatio {
      guard ratio.isFinite, ratio >= 0 else {
        throw SparseError.badOption("the lambda ratio must be at least 0, got \(ratio)")
      }
      self.options.coding.lambda =
        ratio
        * largestLambda(
          of: rows, layout: layout, nonnegative: options.coding.nonnegative, pool: pool)
    }
    solver = try makeSolver(layout, self.options.coding, workspaces, workers: pool.count)
  }

  /// Learns. `progress` is called after each epoch; it ends the run by returning false.
  public func run(
    progress: (LearningEpoch) throws -> Bool = { _ in true }
  ) throws -> (dictionary: SparseDictionary, record: DictionaryRecord) {
    var last = Double.infinity
    var epochs = 0
    while epochs < options.epochs {
      let epoch = try runEpoch(epochs)
      epochs += 1
      let settled = last.isFinite && last - epoch.objective <= options.tolerance * last
      last = epoch.objective
      guard try progress(epoch), !settled else { break }
    }
    let dictionary = try SparseDictionary(
      atoms: statistics.canonicalAtoms(nonnegative: options.coding.nonnegative),
      rowShape: rows.rowShape.isEmpty ? [1] : rows.rowShape, options: options.coding)
    let record = DictionaryRecord(
      seed: options.seed, rows: rows.rows, sha256: rows.sha256(), epochs: epochs,
      batch: options.batch, objective: last)
    return (dictionary, record)
  }

  private func runEpoch(_ epoch: Int) throws -> LearningEpoch {
    let noise = Noise(seed: options.seed, purpose: .dictionary, step: UInt32(epoch + 1))
    let order = permutation(of: rows.rows, noise: noise)
    var objective = 0.0
    var replaced = 0
    for start in stride(from: 0, to: order.count, by: options.batch) {
      let batch = order[start..<min(start + options.batch, order.count)]
      code(batch)
      seen = min(seen + Double(batch.count), window(epoch: epoch, batch: batch.count))
      statistics.add(
        x: x.base, codes: codes.base, rows: batch.count,
        keeping: max(0, 1 - Double(batch.count) / seen), pool: pool)
      replaced += statistics.updateAtoms(
        nonnegative: options.coding.nonnegative, unused: worstRows(batch.count))
      layout.update(pool: pool)
      for certificate in certificates[..<batch.count] {
        objective += options.coding.solver == .omp ? certificate.error : certificate.objective
      }
    }
    return LearningEpoch(
      epoch: epoch + 1, objective: objective / Double(rows.rows), replaced: replaced)
  }

  /// How many rows the statistics remember: enough for each atom to be used a hundred times, and
  /// more from epoch to epoch. Rows that were coded with atoms long changed only slow the others
  /// down; too few leave noise.
  private func window(epoch: Int, batch: Int) -> Double {
    let nonzeros = certificates[..<batch].reduce(0) { $0 + Int($1.nonzeros) }
    let perRow = max(1, Double(nonzeros) / Double(batch))
    let rows = 100 * Double(layout.count) / perRow * Double(epoch + 1).squareRoot()
    return max(Double(batch), rows)
  }

  /// Codes of a mini-batch under the dictionary as it is.
  private func code(_ batch: ArraySlice<UInt32>) {
    let (k, d, size) = (layout.count, layout.width, solver.rowsPerTask)
    let first = batch.startIndex
    let (x, codes, status) = (x.base, codes.base, status.base)
    certificates.withUnsafeMutableBufferPointer { certificates in
      guard let certificates = certificates.baseAddress else { return }
      pool.run(tasks: (batch.count + size - 1) / size) { task, worker in
        let from = task * size
        let count = min(size, batch.count - from)
        for row in from..<from + count {
          rows.copy(row: Int(batch[first + row]), into: x + row * d)
        }
        var kernel = layout.kernel
        var settings = vt_sparse_options(options.coding)
        settings.tolerance = max(settings.tolerance, 1e-4)
        solver.solve(
          x + from * d, count: count, into: codes + from * k, status: status + from,
          worker: worker)
        settings.iterations = finishingChanges(atoms: k)
        for row in from..<from + count where options.coding.solver.isCertified {
          guard status[row] == RowStatus.unsettled else { continue }
          _ = vt_finish(&kernel, workspaces[worker], &settings, x + row * d, codes + row * k)
        }
        vt_certify(
          &kernel, workspaces[worker], &settings, x + from * d, codes + from * k, count,
          certificates + from, nil)
      }
    }
  }

  /// The rows of the batch, the worst reconstructed first.
  private func worstRows(_ count: Int) -> (Int) -> UnsafePointer<Float>? {
    let (x, d) = (x.base, layout.width)
    let errors = certificates[..<count].map(\.error)
    var order: [Int]?
    return { rank in
      if order == nil { order = errors.indices.sorted { (-errors[$0], $0) < (-errors[$1], $1) } }
      guard let row = order?[safe: rank], errors[row] > 0 else { return nil }
      return UnsafePointer(x + row * d)
    }
  }
}

extension Array {
  fileprivate subscript(safe index: Int) -> Element? {
    indices.contains(index) ? self[index] : nil
  }
}
