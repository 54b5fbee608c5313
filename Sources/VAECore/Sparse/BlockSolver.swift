import CKernels

/// A solver as the coder runs it: a block of rows at a time, on one worker.
protocol BlockSolver: Sendable {
  /// Rows a task takes. It does not depend on the number of workers, nor do the codes.
  var rowsPerTask: Int { get }

  /// Codes `count` rows; `status` gets one of VT_SPARSE_… a row.
  func solve(
    _ rows: UnsafePointer<Float>, count: Int, into codes: UnsafeMutablePointer<Float>,
    status: UnsafeMutablePointer<UInt8>, worker: Int)
}

func makeSolver(
  _ layout: AtomLayout, _ options: SparseOptions, _ workspaces: SparseWorkspaces, workers: Int
) throws -> any BlockSolver {
  if options.solver == .fista {
    return try AcceleratedSolver(layout, options, workers: workers)
  }
  return RowSolver(layout: layout, options: options, workspaces: workspaces)
}

/// The solvers that take one row after the other.
struct RowSolver: BlockSolver {
  let rowsPerTask = 32
  private let layout: AtomLayout
  private let settings: vt_sparse_options
  private let solver: SparseSolver
  private let workspaces: SparseWorkspaces
  private let lipschitz: Double

  init(layout: AtomLayout, options: SparseOptions, workspaces: SparseWorkspaces) {
    self.layout = layout
    self.workspaces = workspaces
    solver = options.solver
    settings = vt_sparse_options(options)
    lipschitz = solver == .ista ? layout.lipschitz() : 0
  }

  func solve(
    _ rows: UnsafePointer<Float>, count: Int, into codes: UnsafeMutablePointer<Float>,
    status: UnsafeMutablePointer<UInt8>, worker: Int
  ) {
    var kernel = layout.kernel
    var settings = settings
    let work = workspaces[worker]
    switch solver {
    case .homotopy: vt_homotopy(&kernel, work, &settings, rows, count, codes, status)
    case .cd: vt_coordinate_descent(&kernel, work, &settings, rows, count, codes, status)
    case .ista, .fista: vt_ista(&kernel, work, &settings, lipschitz, rows, count, codes, status)
    case .omp: vt_matching_pursuit(&kernel, work, &settings, rows, count, codes, status)
    case .threshold: vt_threshold(&kernel, work, &settings, rows, count, codes, status)
    }
  }
}

extension vt_sparse_options {
  init(_ options: SparseOptions) {
    self.init(
      lambda: options.lambda, tolerance: options.tolerance,
      nonnegative: options.nonnegative ? 1 : 0,
      sparsity: Int32(clamping: options.sparsity ?? 0),
      iterations: options.maximumIterations ?? options.solver.defaultIterations)
  }
}

/// What became of a row, as the kernels write it.
enum RowStatus {
  static let done = UInt8(VT_SPARSE_DONE)
  static let unsettled = UInt8(VT_SPARSE_UNSETTLED)
  static let limit = UInt8(VT_SPARSE_LIMIT)
}

/// The most changes of support that the exact solve at the end makes.
func finishingChanges(atoms: Int) -> Int { 100 + 10 * atoms }
