import CKernels

/// A probe with its encoder laid out for training: the cross-entropy of a batch's labels, and its
/// gradient through the head, the posterior means and the encoder.
final class ProbeGraph: TrainingGraph {
  var batch = Batch(indices: UnsafeBufferPointer(start: nil, count: 0), step: 0)
  var beta: Float = 0
  private(set) var learn: [Phase] = []
  private(set) var evaluate: [Phase] = []

  private let labels: [UInt32]
  private let rows: RowStore
  private let seed: UInt64
  private let blocks: RowBlocks
  private let encoder: any TrainableEncoder
  private let head: Dense
  private let scratch: WorkerScratch
  /// The means and their statistics.
  private let latent: GaussianLatent
  private var gradientPlan = GradientPlan([])

  /// Rows in f32, and as the first layer reads them.
  private let values: Matrix
  private let inputs: Matrix
  private let codes: Matrix
  private let probabilities: Matrix
  private let delta: Matrix
  private let crossEntropy: AlignedBuffer<Double>
  private let divergence: AlignedBuffer<Double>

  init(
    _ probe: Probe, encoder configuration: any EncoderConfiguration, rows: RowStore,
    options: GraphOptions, pool: WorkerPool
  ) throws {
    labels = probe.labels
    self.rows = rows
    seed = options.seed
    let (precision, classes) = (options.precision, probe.classes.count)
    blocks = RowBlocks(rows: min(options.batch, rows.rows))
    scratch = try WorkerScratch(workers: pool.count)
    encoder = try configuration.makeEncoder(
      in: probe.parameters, precision: precision, blocks: blocks, scratch: scratch,
      workers: pool.count)
    head = try Dense(
      "head", in: probe.parameters, inputs: probe.latentSize, outputs: classes,
      precision: precision, block: blocks.size, workers: pool.count)
    try scratch.reserve(blocks.size * probe.latentSize)
    latent = try GaussianLatent(
      size: probe.latentSize, plain: true, particles: 1, precision: precision, blocks: blocks)
    let capacity = blocks.capacity
    inputs = try Matrix(rows: capacity, width: probe.inputSize, precision: precision)
    values = precision == .f32 ? inputs : try Matrix(rows: capacity, width: probe.inputSize)
    codes = try Matrix(rows: capacity, width: probe.latentSize, precision: precision)
    probabilities = try Matrix(rows: capacity, width: classes)
    delta = try Matrix(rows: capacity, width: classes, precision: precision)
    crossEntropy = try AlignedBuffer(count: capacity)
    divergence = try AlignedBuffer(count: capacity)

    let count: () -> Int = { [unowned self] in batch.indices.count }
    learn = try learningPlan().phases(blocks, rows: count)
    evaluate = evaluationPlan().phases(blocks, rows: count)
    gradientPlan = GradientPlan(
      try encoder.gradientTasks(x: inputs, delta: latent.headsDelta)
        + head.gradientTasks(x: codes, dy: delta, scratch: scratch))
  }

  var losses: BatchLosses {
    BatchLosses(
      objective: crossEntropy.base, reconstruction: crossEntropy.base,
      divergence: divergence.base, statistics: latent.totals())
  }

  var gradientTaskCount: Int { gradientPlan.count }

  func gradients(into sink: any GradientSink) -> [Phase] { gradientPlan.phases(into: sink) }

  private func learningPlan() throws -> RowPlan {
    var plan = RowPlan()
    let run: () -> RunState = { [unowned self] in
      RunState(rows: batch.indices.count, seed: seed, step: batch.step)
    }
    plan.add { [unowned self] block, _ in gather(block) }
    encoder.addForward(to: &plan, x: inputs, means: latent.heads, run: run)
    plan.add { [unowned self] block, worker in score(block, learning: true, worker: worker) }
    plan.addForDead { [unowned self] block, _ in
      for delta in [delta, latent.headsDelta] { delta.clear(block.row..<block.row + block.size) }
      latent.clearStatistics(block)
    }
    try head.prepareBackward()
    plan.add { [unowned self] block, worker in
      head.backward(delta[block.row], into: scratch[worker], worker: worker)
      latent.headsDelta.store(scratch[worker], row: block.row, rows: block.size)
    }
    try encoder.addBackward(to: &plan, delta: latent.headsDelta, run: run)
    return plan
  }

  private func evaluationPlan() -> RowPlan {
    var plan = RowPlan()
    plan.add { [unowned self] block, worker in
      gather(block)
      encoder.apply(
        inputs[block.row], into: latent.heads.floats(block.row), row: block.row,
        rows: block.size, worker: worker)
      score(block, learning: false, worker: worker)
    }
    plan.addForDead { [unowned self] block, _ in latent.clearStatistics(block) }
    return plan
  }

  private func gather(_ block: RowBlock) {
    guard let indices = batch.indices.baseAddress else { return }
    let to = values.floats(block.row)
    if let bytes = rows.bytes {
      vt_gather_u8(to, bytes, indices + block.row, block.live, values.width)
    } else if let floats = rows.floats {
      vt_gather_f32(to, floats, indices + block.row, block.live, values.width)
    }
    if inputs !== values { inputs.store(to, row: block.row, rows: block.live) }
  }

  /// The losses of the block's rows and, to learn, the gradient of the head's sums.
  private func score(_ block: RowBlock, learning: Bool, worker: Int) {
    latent.takeCodes(block, into: codes)
    let p = probabilities.floats(block.row)
    head.forward(codes[block.row], into: p, worker: worker)
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: block.live) { wanted in
      for row in 0..<block.live { wanted[row] = labels[Int(batch.indices[block.row + row])] }
      vt_softmax(p, crossEntropy.base + block.row, wanted.baseAddress, block.live, delta.width)
      guard learning else { return }
      vt_softmax_delta(
        delta[block.row], delta.isBF16, p, wanted.baseAddress, block.live, delta.width,
        1 / Float(batch.indices.count))
      delta.clear(block.dead)
    }
  }
}
