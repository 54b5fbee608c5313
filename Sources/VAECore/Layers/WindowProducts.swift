import CKernels

/// The three products of a convolution, which connects a map to a smaller one: each place of the
/// smaller is a sum over a window of the larger. The weights are a matrix W [channels of the smaller,
/// places of a window · channels of the larger]. With `rows` for the windows of the larger map as rows
/// of a matrix,
///
///     smaller = rows(larger) · Wᵀ        a convolution, or the way back of a transposed one
///     rows(larger) = smaller · W         a transposed convolution, or the way back of one
///     dW = smallerᵀ · rows(larger)
///
/// and where places of the larger are sums, they are the sums over all windows that cover them. A
/// convolution of a resized map is of the second kind, too: the products are made before resizing, on
/// fewer places. Rows are made for a few maps at a time, so that they stay in a cache.
final class WindowProducts {
  /// Bytes of window rows that are made at once, about.
  private static let rowBytes = 1 << 18
  /// Parts of the batch that the gradient of the weights is summed over separately, at most.
  private static let mostParts = 8

  private let window: vt_window
  private let larger: MapShape
  private let smaller: MapShape
  private let products: any AffineProducts
  private let shape: AffineShape
  /// Maps whose rows are made at once: a divisor of the rows of a block.
  private let group: Int
  private let scratch: WorkerScratch

  private var taps: Int { shape.inputs }
  private var rows: Int { group * smaller.places }

  /// - Parameters:
  ///   - windows: a place for each window. Where that has more places than the smaller map, the smaller
  ///     is resized to it by the nearest neighbour.
  ///   - bias, relu, output: of `gather`.
  ///   - block: maps in a block of rows.
  /// - Throws: `ComputeError`.
  init(
    _ shape: WindowShape, larger: MapShape, smaller: MapShape, windows: MapShape,
    weight: Int, bias: Int?, relu: Bool, output: Precision, block: Int,
    _ placement: Placement
  ) throws {
    let (vertical, horizontal) = (shape.vertical, shape.horizontal)
    window = vt_window(
      height: larger.height, width: larger.width, channels: larger.channels,
      rows: windows.height, columns: windows.width, source_rows: smaller.height,
      source_columns: smaller.width, kernel_height: vertical.kernel,
      kernel_width: horizontal.kernel,
      stride_height: vertical.stride, stride_width: horizontal.stride,
      padding_height: vertical.padding, padding_width: horizontal.padding)
    self.larger = larger
    self.smaller = smaller
    let taps = shape.places * larger.channels
    let most = max(1, Self.rowBytes / (smaller.places * taps * placement.precision.size))
    group = (1...block).last { block % $0 == 0 && $0 <= most } ?? 1
    self.shape = AffineShape(
      inputs: taps, outputs: smaller.channels, relu: relu, precision: placement.precision,
      output: output, block: group * smaller.places, workers: placement.workers,
      store: placement.store, weight: weight, bias: bias)
    products = try self.shape.products(packed: PackedMatmul.isAvailable(placement.precision))
    scratch = placement.windows
    // Rows, then what copies of runs may write behind them, then what making them takes.
    try scratch.reserve(rowSpace + withUnsafePointer(to: window) { vt_window_scratch($0) })
  }

  /// Floats of scratch memory for rows, in f32.
  private var rowSpace: Int { (rows * taps + 31) & ~15 }

  private func lower(_ x: UnsafeRawPointer, _ worker: Int) -> UnsafeMutablePointer<Float> {
    let rows = scratch[worker]
    withUnsafePointer(to: window) {
      vt_lower($0, rows, x, shape.precision == .bf16 ? 1 : 0, group, rows + rowSpace)
    }
    return rows
  }

  /// The smaller maps of a block from the larger, with bias and rectification.
  ///
  /// - Parameters:
  ///   - x: the larger maps, of the products' precision; y: the smaller.
  ///   - maps: the rows of the block, of which groups without a live one are passed over.
  func gather(
    _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, _ maps: RowBlock, worker: Int
  ) {
    for first in stride(from: 0, to: maps.live, by: group) {
      let rows = lower(x + first * larger.count * shape.precision.size, worker)
      products.forward(
        rows, into: y + first * smaller.count * shape.output.size, worker: worker)
    }
  }

  /// Makes ready for `scatter`.
  func prepareScatter() throws { try products.prepareBackward() }

  /// The larger maps of a block from the smaller.
  ///
  /// - Parameters:
  ///   - x: the smaller maps, of the products' precision; y: the larger, of `output`.
  ///   - bias: [channels of the larger], or none; with `relu` the sums are rectified.
  func scatter(
    _ x: UnsafeRawPointer, into y: UnsafeMutableRawPointer, output: Precision,
    bias: UnsafePointer<Float>? = nil, relu: Bool = false, _ maps: RowBlock, worker: Int
  ) {
    let rows = scratch[worker]
    for first in stride(from: 0, to: maps.live, by: group) {
      products.backward(
        x + first * smaller.count * shape.precision.size, into: rows, worker: worker)
      withUnsafePointer(to: window) {
        vt_raise(
          $0, y + first * larger.count * output.size, output == .bf16 ? 1 : 0, rows, bias,
          relu ? 1 : 0, group, rows + rowSpace)
      }
    }
  }

  /// The tasks that compute dW, and db as the sum over the places of `sums`, and hand them to the
  /// sink.
  ///
  /// - Parameters:
  ///   - larger, smaller: the maps of the whole batch; one of them is a gradient, which is 0 in
  ///     dead rows.
  ///   - sums: of the two, the gradient.
  ///   - bias: where the bias begins.
  func gradientTasks(
    larger: Matrix, smaller: Matrix, sums: Matrix, bias: Int, _ placement: Placement
  ) throws -> [GradientTask] {
    let (outputs, taps, weight, store) = (shape.outputs, taps, shape.weight, shape.store)
    let channels = sums === smaller ? self.smaller.channels : self.larger.channels
    let places = sums === smaller ? self.smaller.places : self.larger.places
    guard
      store.isTrained(weight..<weight + outputs * taps) || store.isTrained(bias..<bias + channels)
    else { return [] }
    let product = try RowSumProduct(
      m: outputs, n: taps, terms: rows, precision: shape.precision, workers: shape.workers)
    // Whole blocks, so that parts do not depend on the number of workers.
    let blocks = placement.blocks
    let repeats = larger.rows / blocks.capacity
    let perPart = (blocks.count + Self.mostParts - 1) / Self.mostParts
    let size = (outputs * taps + channels + 15) & ~15
    let count = (blocks.count + perPart - 1) / perPart
    let partial = try AlignedBuffer<Float>(count: count * size)
    let run = placement.run
    let parts = (0..<count).map { part -> GradientTask.Part in
      let first = part * perPart * blocks.size * repeats
      let last = min((part + 1) * perPart, blocks.count) * blocks.size * repeats
      return (
        cost: (last - first) * places * outputs * taps,
        body: { [self] worker in
          let gradient = partial.base + part * size
          gradient.update(repeating: 0, count: size)
          let live = min(last, run.rows * repeats)
          for map in stride(from: first, to: live, by: group) {
            product.add(
              smaller[map], UnsafeRawPointer(lower(larger[map], worker)), into: gradient,
              worker: worker)
          }
          vt_channel_sums(
            gradient + outputs * taps, sums[first], sums.isBF16, max(0, live - first) * places,
            channels)
        }
      )
    }
    let together = PackedWeight.rowsTogether
    let step = max(1, 80_000 / taps / together) * together
    try placement.workspace.reserve(max(min(step, outputs) * taps, channels))
    func total(_ at: Int, _ count: Int, into sum: UnsafeMutablePointer<Float>) {
      sum.update(from: partial.base + at, count: count)
      for part in 1..<max(1, parts.count) {
        vt_add(sum, partial.base + part * size + at, count)
      }
    }
    var tasks = stride(from: 0, to: outputs, by: step).map { first in
      let values = min(step, outputs - first) * taps
      return GradientTask(cost: values) { [workspace = placement.workspace] sink, task, worker in
        total(first * taps, values, into: workspace[worker])
        sink.accept(workspace[worker], offset: weight + first * taps, count: values, task: task)
      }
    }
    tasks.append(
      GradientTask(cost: channels, parts: parts) {
        [workspace = placement.workspace] sink, task, worker in
        total(outputs * taps, channels, into: workspace[worker])
        sink.accept(workspace[worker], offset: bias, count: channels, task: task)
      })
    return tasks
  }
}

/// C[m, n] += Aᵀ · B, f32, from A [terms, m] and B [terms, n]. A run is on one thread.
private final class RowSumProduct {
  private enum Way {
    case oneDNN(Matmul)
    case packed(PackedMatmul)
    /// With the operands of one worker, two rows side by side.
    case paired([(PackedMatmul, RowPairs, RowPairs)])
  }

  private let way: Way
  private let terms: Int

  /// - Throws: `ComputeError`.
  init(m: Int, n: Int, terms: Int, precision: Precision, workers: Int) throws {
    self.terms = terms
    if !PackedMatmul.isAvailable(precision) {
      way = .oneDNN(
        try Matmul(
          m: m, n: n, k: terms, a: .transposed(row: m), b: .init(row: n), c: n, input: precision,
          adds: true, workers: workers))
    } else if precision == .f32 {
      way = .packed(
        try PackedMatmul(
          m: m, transposed: RowSums(width: m, terms: terms), by: RowSums(width: n, terms: terms),
          adds: true, workers: workers))
    } else {
      way = .paired(
        try (0..<workers).map { _ in
          let (a, b) = (
            try RowPairs(rows: terms, width: m), try RowPairs(rows: terms, width: n)
          )
          let matmul = try PackedMatmul(
            m: m, transposed: a.shape, by: b.shape, adds: true, workers: 1)
          return (matmul, a, b)
        })
    }
  }

  func add(
    _ a: UnsafeRawPointer, _ b: UnsafeRawPointer, into c: UnsafeMutablePointer<Float>, worker: Int
  ) {
    switch way {
    case .oneDNN(let matmul): matmul.run(a: a, b: b, c: c, worker: worker)
    case .packed(let matmul): matmul.run(a: a, b: b, c: c, worker: worker)
    case .paired(let workers):
      let (matmul, left, right) = workers[worker]
      left.fill(from: a, 0..<terms)
      right.fill(from: b, 0..<terms)
      matmul.run(a: left.base, b: right.base, c: c, worker: 0)
    }
  }
}
