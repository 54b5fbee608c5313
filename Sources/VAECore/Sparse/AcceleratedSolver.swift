import CKernels

/// The accelerated proximal gradient over many rows at once, so that its products are matrix
/// multiplications. A row that has converged leaves, and the next of the block takes its place.
///
/// It runs in single precision until the gap is within 10⁻⁵; the exact solve on the support that
/// follows takes it further.
final class AcceleratedSolver: BlockSolver, @unchecked Sendable {  // scratch is by worker
  let rowsPerTask = 512
  /// Rows in the air at once: a multiplication runs over the least of these that holds them.
  private static let sizes = [8, 32, 128]
  private static let lanes = 128

  private let layout: AtomLayout
  private let settings: vt_sparse_options
  private let lipschitz: Float
  private let correlate: [Matmul]
  /// aG, or aD and (aD)Dᵀ where that is less work; by size.
  private let products: [[Matmul]]
  private let lanes: [Lanes]

  init(_ layout: AtomLayout, _ options: SparseOptions, workers: Int) throws {
    self.layout = layout
    var settings = vt_sparse_options(options)
    settings.tolerance = max(options.tolerance, 1e-5)
    self.settings = settings
    lipschitz = Float(layout.lipschitz())
    let (k, d) = (layout.count, layout.width)
    func matmul(_ m: Int, _ n: Int, _ k: Int, row: Int) throws -> Matmul {
      try Matmul(
        m: m, n: n, k: k, a: .init(row: k), b: .init(row: row), c: n, input: .f32,
        workers: workers)
    }
    let correlate = try Self.sizes.map { try matmul($0, k, d, row: layout.paddedCount) }
    self.correlate = correlate
    products = try Self.sizes.enumerated().map { index, size in
      2 * d < k
        ? [try matmul(size, d, k, row: layout.paddedWidth), correlate[index]]
        : [try matmul(size, k, k, row: layout.paddedCount)]
    }
    lanes = try (0..<workers).map { _ in try Lanes(layout, count: Self.lanes) }
  }

  func solve(
    _ rows: UnsafePointer<Float>, count: Int, into codes: UnsafeMutablePointer<Float>,
    status: UnsafeMutablePointer<UInt8>, worker: Int
  ) {
    let (k, d) = (layout.count, layout.width)
    let own = lanes[worker]
    var kernel = layout.kernel
    var settings = settings
    var next = 0
    /// The row in each lane and the iterations it has had.
    var active: [(row: Int, rounds: Int)] = []
    while true {
      let before = active.count
      while next < count, active.count < Self.lanes {
        let (row, lane) = (next, active.count)
        next += 1
        status[row] = RowStatus.unsettled
        (codes + row * k).update(repeating: 0, count: k)
        let started = vt_fista_start(
          &kernel, &settings, rows + row * d, own.scaled.base + lane * d, own.states + lane)
        guard started != 0 else { continue }
        own.clear(lane)
        active.append((row, 0))
      }
      guard let size = Self.sizes.firstIndex(where: { $0 >= active.count }), !active.isEmpty else {
        return
      }
      if active.count > before {
        correlate[size].run(
          a: own.scaled.base, b: layout.columns.base, c: own.correlations.base, worker: worker)
      }
      multiply(own, size: size, worker: worker)
      for lane in active.indices.reversed() {
        let at = lane * k
        let solved = vt_fista_step(
          &kernel, &settings, lipschitz, own.correlations.base + at, own.codes.base + at,
          own.previous.base + at, own.products.base + at, own.previousProducts.base + at,
          own.states + lane)
        active[lane].rounds += 1
        let exhausted = active[lane].rounds > settings.iterations
        guard solved != 0 || exhausted else { continue }
        let row = active[lane].row
        if solved == 0 { status[row] = RowStatus.limit }
        vt_fista_end(&kernel, own.states + lane, own.codes.base + at, codes + row * k)
        let last = active.count - 1
        if lane < last {
          own.move(last, to: lane)
          active[lane] = active[last]
        }
        active.removeLast()
      }
    }
  }

  private func multiply(_ own: Lanes, size: Int, worker: Int) {
    let steps = products[size]
    if steps.count == 2 {
      steps[0].run(a: own.codes.base, b: layout.rows.base, c: own.images.base, worker: worker)
      steps[1].run(
        a: own.images.base, b: layout.columns.base, c: own.products.base, worker: worker)
    } else {
      steps[0].run(a: own.codes.base, b: layout.gram.base, c: own.products.base, worker: worker)
    }
  }
}

/// One worker's rows in the air, a lane each.
private final class Lanes {
  let scaled, images, correlations, codes, previous, products,
    previousProducts: AlignedBuffer<Float>
  let states: UnsafeMutablePointer<vt_fista_row>
  private let count: Int
  private let atoms: Int
  private let width: Int

  init(_ layout: AtomLayout, count: Int) throws {
    self.count = count
    (atoms, width) = (layout.count, layout.width)
    func buffer(_ width: Int) throws -> AlignedBuffer<Float> {
      try AlignedBuffer(count: count * width)
    }
    (scaled, images) = (try buffer(width), try buffer(width))
    (correlations, codes, previous) = (try buffer(atoms), try buffer(atoms), try buffer(atoms))
    (products, previousProducts) = (try buffer(atoms), try buffer(atoms))
    states = .allocate(capacity: count)
    states.initialize(repeating: vt_fista_row(), count: count)
  }

  deinit { states.deallocate() }

  func clear(_ lane: Int) {
    for buffer in [codes, previous, previousProducts] {
      (buffer.base + lane * atoms).update(repeating: 0, count: atoms)
    }
  }

  func move(_ from: Int, to: Int) {
    for buffer in [correlations, codes, previous, previousProducts] {
      (buffer.base + to * atoms).update(from: buffer.base + from * atoms, count: atoms)
    }
    (scaled.base + to * width).update(from: scaled.base + from * width, count: width)
    states[to] = states[from]
  }
}
