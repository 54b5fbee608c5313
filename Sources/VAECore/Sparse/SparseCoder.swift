import CKernels

/// Sparse codes of rows with one dictionary. Rows are independent; each is solved, certified in
/// double precision on the code as it is written, and solved on exactly where that falls short.
public final class SparseCoder {
  public let dictionary: SparseDictionary
  /// Over all rows coded so far.
  public private(set) var report: SparseReport

  /// The mutual coherence of the dictionary: the largest |cosine| between two atoms.
  public let coherence: Double

  private let layout: AtomLayout
  private let solver: any BlockSolver
  private let options: SparseOptions
  private let pool: WorkerPool
  private let workspaces: SparseWorkspaces

  /// Codes with `dictionary` and the options it carries.
  ///
  /// - Throws: `SparseError.badOption`, `ComputeError`.
  public init(_ dictionary: SparseDictionary, pool: WorkerPool) throws {
    self.dictionary = dictionary
    self.pool = pool
    options = dictionary.options
    try options.validate()
    layout = try AtomLayout(dictionary, pool: pool)
    coherence = layout.coherence()
    workspaces = try SparseWorkspaces(layout, workers: pool.count)
    solver = try makeSolver(layout, options, workspaces, workers: pool.count)
    report = SparseReport(atoms: dictionary.count, width: dictionary.width)
  }

  /// Codes `count` rows of `dictionary.width` finite values into `count` rows of
  /// `dictionary.count` values. What a row's code is does not depend on the number of workers.
  public func encode(
    _ rows: UnsafePointer<Float>, count: Int, into codes: UnsafeMutablePointer<Float>
  ) {
    let size = solver.rowsPerTask
    let tasks = (count + size - 1) / size
    let (k, d) = (dictionary.count, dictionary.width)
    var certificates = [vt_certificate](repeating: vt_certificate(), count: count)
    var uses = [UInt64](repeating: 0, count: k * pool.count)
    var sums = [Double](repeating: 0, count: d * tasks)
    var status = [UInt8](repeating: 0, count: count)
    certificates.withUnsafeMutableBufferPointer { certificates in
      uses.withUnsafeMutableBufferPointer { uses in
        sums.withUnsafeMutableBufferPointer { sums in
          status.withUnsafeMutableBufferPointer { status in
            guard let certificates = certificates.baseAddress, let uses = uses.baseAddress,
              let sums = sums.baseAddress, let status = status.baseAddress
            else { return }
            pool.run(tasks: tasks) { task, worker in
              let first = task * size
              encodeBlock(
                Block(
                  rows: rows + first * d, count: min(size, count - first),
                  codes: codes + first * k, status: status + first,
                  certificates: certificates + first, uses: uses + worker * k,
                  sums: sums + task * d), worker: worker)
            }
          }
        }
      }
    }
    record(certificates, status, uses: uses, sums: sums)
  }

  /// What a task reads and writes.
  private struct Block {
    let rows: UnsafePointer<Float>
    let count: Int
    let codes: UnsafeMutablePointer<Float>
    let status: UnsafeMutablePointer<UInt8>
    let certificates: UnsafeMutablePointer<vt_certificate>
    let uses: UnsafeMutablePointer<UInt64>
    let sums: UnsafeMutablePointer<Double>
  }

  private func encodeBlock(_ block: Block, worker: Int) {
    var kernel = layout.kernel
    var settings = vt_sparse_options(options)
    let work = workspaces[worker]
    let status = block.status
    solver.solve(
      block.rows, count: block.count, into: block.codes, status: status, worker: worker)
    vt_certify(
      &kernel, work, &settings, block.rows, block.codes, block.count, block.certificates,
      block.sums)
    settings.iterations = finishingChanges(atoms: dictionary.count)
    for row in 0..<block.count where options.solver.isCertified {
      let (certificate, energy) = (block.certificates[row], block.certificates[row].energy)
      // A row that ran into the limit of iterations is left as it is, and reported. One that was
      // only approached must be near by the measure of its objective too, so that solvers agree.
      let scale = status[row] == RowStatus.unsettled ? min(energy, certificate.objective) : energy
      guard energy > 0, !(certificate.gap <= options.tolerance * scale),
        status[row] != RowStatus.limit
      else { continue }
      let x = block.rows + row * dictionary.width
      let code = block.codes + row * dictionary.count
      let settled = vt_finish(&kernel, work, &settings, x, code)
      status[row] = settled != 0 ? RowStatus.done : RowStatus.unsettled
      vt_certify(&kernel, work, &settings, x, code, 1, block.certificates + row, nil)
    }
    vt_count_uses(block.codes, block.count, dictionary.count, block.uses)
  }

  private func record(
    _ certificates: [vt_certificate], _ status: [UInt8], uses: [UInt64], sums: [Double]
  ) {
    let (k, d) = (dictionary.count, dictionary.width)
    for (index, count) in uses.enumerated() { report.uses[index % k] += Int(count) }
    for (index, sum) in sums.enumerated() { report.sums[index % d] += sum }
    for (certificate, status) in zip(certificates, status) {
      report.rows += 1
      report.objectiveSum += options.solver == .omp ? certificate.error : certificate.objective
      report.energySum += certificate.energy
      report.errorSum += certificate.error
      report.histogram[Int(certificate.nonzeros)] += 1
      guard options.solver != .omp else { continue }
      let gap = certificate.energy > 0 ? max(0, certificate.gap) / certificate.energy : 0
      report.gapSum += gap
      report.worstGap = max(report.worstGap ?? 0, gap)
      guard options.solver.isCertified, !(gap <= options.tolerance) else { continue }
      report.unconverged += 1
      if status == RowStatus.done { report.roundingLimited += 1 }
    }
  }

  /// What came out so far, in lines for people: the report, what else there is to know, and a
  /// warning where rows did not reach the tolerance.
  public var summary: [String] {
    var lines = [report.description, report.details]
    lines[1] += "; coherence of the atoms \(shortFigure(coherence))"
    let stopped = report.unconverged - report.roundingLimited
    if stopped > 0 {
      let iterations = options.maximumIterations ?? options.solver.defaultIterations
      lines.append(
        "warning: \(stopped) of \(report.rows) rows did not reach a relative gap of "
          + "\(options.tolerance) in \(iterations) iterations; allow more, or raise λ")
    }
    if report.roundingLimited > 0 {
      lines.append(
        "warning: \(report.roundingLimited) of \(report.rows) rows are solved, but rounding "
          + "their codes to f4 leaves a relative gap above \(options.tolerance); raise λ")
    }
    return lines
  }
}
