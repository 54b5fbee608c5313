import CKernels

/// A VAE laid out for training: the activations of a batch, and a step as plans over its blocks.
final class VAEGraph: TrainingGraph {
  var batch = Batch(indices: UnsafeBufferPointer(start: nil, count: 0), step: 0)
  var beta: Float
  private(set) var learn: [Phase] = []
  private(set) var evaluate: [Phase] = []

  private let model: VAE
  private let rows: RowStore
  private let options: GraphOptions
  private let blocks: RowBlocks
  private let network: VAENetwork
  private let latent: GaussianLatent
  private let particles: Int
  private var gradientPlan = GradientPlan([])

  /// Inputs in f32, which the loss reads, and as the first layer reads them.
  private let targets: Matrix
  private let inputs: Matrix
  private let codes: Matrix
  private let outputs: Matrix
  private let outputDelta: Matrix
  private let rowLosses: AlignedBuffer<Double>
  private let particleLosses: AlignedBuffer<Double>

  init(_ model: VAE, rows: RowStore, options: GraphOptions, pool: WorkerPool) throws {
    let configuration = model.configuration
    if options.binarisation != .threshold { try configuration.likelihood.check(rows) }
    self.model = model
    self.rows = rows
    self.options = options
    beta = model.beta
    particles = configuration.code == .plain ? 1 : options.objective.particles
    let (precision, particles) = (options.precision, particles)
    let blocks = RowBlocks(rows: min(options.batch, rows.rows), particles: particles)
    self.blocks = blocks
    network = try VAENetwork(
      model, precision: precision, blocks: blocks, particles: particles, workers: pool.count)
    latent = try GaussianLatent(
      size: model.latentSize, plain: configuration.code == .plain, particles: particles,
      precision: precision, blocks: blocks)
    let (capacity, expanded) = (blocks.capacity, blocks.capacity * particles)
    inputs = try Matrix(rows: capacity, width: model.inputSize, precision: precision)
    targets = precision == .f32 ? inputs : try Matrix(rows: capacity, width: model.inputSize)
    codes = try Matrix(rows: expanded, width: model.latentSize, precision: precision)
    outputs = try Matrix(rows: expanded, width: network.output.outputs)
    outputDelta = try Matrix(
      rows: expanded, width: network.output.outputs, precision: precision)
    rowLosses = try AlignedBuffer(count: 3 * capacity)
    particleLosses = try AlignedBuffer(count: expanded)

    let count: () -> Int = { [unowned self] in batch.indices.count }
    learn = try learningPlan().phases(blocks, rows: count)
    evaluate = evaluationPlan().phases(blocks, rows: count)
    gradientPlan = GradientPlan(try makeGradientTasks())
  }

  private var objective: UnsafeMutablePointer<Double> { rowLosses.base }
  private var reconstruction: UnsafeMutablePointer<Double> { rowLosses.base + blocks.capacity }
  private var divergence: UnsafeMutablePointer<Double> { rowLosses.base + 2 * blocks.capacity }
  private var isPlain: Bool { model.configuration.code == .plain }

  var losses: BatchLosses {
    let freeBits = options.objective.freeBits
    let free =
      freeBits > 0 && !isPlain
      ? latent.freeNats(below: freeBits, rows: batch.indices.count) * Double(beta) : 0
    return BatchLosses(
      objective: objective, freeNats: free, reconstruction: reconstruction,
      divergence: divergence, statistics: latent.totals())
  }

  var gradientTaskCount: Int { gradientPlan.count }

  func gradients(into sink: any GradientSink) -> [Phase] { gradientPlan.phases(into: sink) }

  // MARK: Plans

  private func learningPlan() throws -> RowPlan {
    var plan = RowPlan()
    let run: () -> RunState = { [unowned self] in
      RunState(rows: batch.indices.count, seed: options.seed, step: batch.step)
    }
    plan.add { [unowned self] block, _ in gather(block, evaluating: false) }
    var x = inputs
    for layer in network.encoder {
      layer.addForward(to: &plan, x: x, particles: 1, run: run)
      x = layer.values
    }
    let encoded = x
    plan.add { [unowned self] block, worker in
      network.heads.forward(encoded[block.row], into: headsTarget(block), worker: worker)
      drawCodes(block, evaluating: false)
    }
    x = codes
    for layer in network.decoder {
      layer.addForward(to: &plan, x: x, particles: particles, run: run)
      x = layer.values
    }
    let decoded = x
    plan.add { [unowned self] block, worker in
      let row = block.row * particles
      network.output.forward(decoded[row], into: outputs[row], worker: worker)
      score(block, learning: true)
    }
    if options.objective.freeBits > 0, !isPlain, !options.objective.isSampled { plan.barrier() }

    plan.addForDead { [unowned self] block, _ in
      for delta in [outputDelta, latent.headsDelta] {
        let block = block.times(delta === outputDelta ? particles : 1)
        delta.clear(block.row..<block.row + block.size)
      }
      latent.clearStatistics(block)
    }
    try network.output.prepareBackward()
    plan.add { [unowned self] block, worker in
      network.output.backward(
        outputDelta[block.row * particles], into: network.scratch[worker], worker: worker)
    }
    for layer in network.decoder.reversed() {
      layer.addBackward(to: &plan, particles: particles, run: run)
      try layer.addInputGradient(to: &plan, particles: particles)
    }
    plan.add { [unowned self] block, worker in
      backThroughCodes(block, dz: network.scratch[worker])
    }
    guard !network.encoder.isEmpty else { return plan }
    try network.heads.prepareBackward()
    plan.add { [unowned self] block, worker in
      network.heads.backward(
        headsDelta[block.row], into: network.scratch[worker], worker: worker)
    }
    for (index, layer) in network.encoder.enumerated().reversed() {
      layer.addBackward(to: &plan, particles: 1, run: run)
      if index > 0 { try layer.addInputGradient(to: &plan, particles: 1) }
    }
    return plan
  }

  private func evaluationPlan() -> RowPlan {
    var plan = RowPlan()
    plan.add { [unowned self] block, worker in
      gather(block, evaluating: true)
      network.encode(
        inputs[block.row], into: headsTarget(block), row: block.row, rows: block.size,
        worker: worker)
      drawCodes(block, evaluating: true)
      let wide = block.times(particles)
      network.decode(
        codes[wide.row], into: outputs.floats(wide.row), row: wide.row, rows: wide.size,
        worker: worker)
      score(block, learning: false)
    }
    plan.addForDead { [unowned self] block, _ in latent.clearStatistics(block) }
    return plan
  }

  private func makeGradientTasks() throws -> [GradientTask] {
    var tasks: [GradientTask] = []
    func add(_ layers: [HiddenLayer], _ first: Matrix, _ last: Dense, _ delta: Matrix) throws {
      var x = first
      for layer in layers {
        tasks += try layer.gradientTasks(x: x)
        x = layer.values
      }
      tasks += try last.gradientTasks(x: x, dy: delta, scratch: network.scratch)
    }
    try add(network.encoder, inputs, network.heads, headsDelta)
    try add(network.decoder, codes, network.output, outputDelta)
    if model.configuration.likelihood == .gaussian(.learned) {
      let offset = model.parameters.offset(of: "decoder.log_sigma")
      try network.scratch.reserve(1)
      tasks.append(
        GradientTask(cost: 1) { [unowned self] sink, task, worker in
          let gradient = network.scratch[worker]
          gradient[0] = logSigmaGradient()
          sink.take(offset: offset, count: 1, gradient: gradient, task: task)
        })
    }
    return tasks
  }

  // MARK: Operations on a block

  private func gather(_ block: RowBlock, evaluating: Bool) {
    guard let indices = batch.indices.baseAddress else { return }
    let to = targets.floats(block.row)
    let width = targets.width
    if let bytes = rows.bytes {
      vt_gather_u8(to, bytes, indices + block.row, block.live, width)
    } else if let floats = rows.floats {
      vt_gather_f32(to, floats, indices + block.row, block.live, width)
    }
    binarise(to, block, evaluating: evaluating)
    if inputs !== targets { inputs.store(to, row: block.row, rows: block.live) }
  }

  private func binarise(_ x: UnsafeMutablePointer<Float>, _ block: RowBlock, evaluating: Bool) {
    let count = block.live * targets.width
    switch options.binarisation {
    case .none:
      break
    case .threshold:
      for i in 0..<count { x[i] = x[i] > 0.5 ? 1 : 0 }
    case .dynamic:
      // The output's memory is free until the decoder runs.
      let uniforms = outputs.floats(block.row * particles)
      vt_uniforms(
        uniforms, block.live, targets.width, options.seed, NoisePurpose.binarise.rawValue,
        batch.step, evaluating ? 1 : 0, UInt64(block.row))
      vt_binarise(x, uniforms, count)
    }
  }

  private func headsTarget(_ block: RowBlock) -> UnsafeMutablePointer<Float> {
    latent.heads.floats(block.row)
  }

  private var headsDelta: Matrix { latent.headsDelta }

  private func drawCodes(_ block: RowBlock, evaluating: Bool) {
    guard !isPlain else {
      latent.takeCodes(block, into: codes)
      return
    }
    let noise = Noise(
      seed: options.seed, purpose: evaluating ? .evaluate : .latent, step: batch.step)
    latent.forward(block, noise: noise, into: codes, divergence: divergence)
  }

  /// The losses of the block's rows and, to learn, the gradient of the decoder's output.
  private func score(_ block: RowBlock, learning: Bool) {
    let wide = block.times(particles)
    let scale = 1 / Float(batch.indices.count)
    let weighted = options.objective.isSampled && !isPlain
    let losses = particleLosses.base + wide.row
    model.configuration.likelihood.loss(
      into: losses, delta: learning ? outputDelta[wide.row] : nil, isBF16: outputDelta.isBF16,
      output: outputs.floats(wide.row), targets: targets.floats(block.row), rows: wide.live,
      repeats: particles, width: targets.width, logSigma: model.logSigma,
      scale: weighted ? scale : scale / Float(particles))
    if learning { outputDelta.clear(wide.dead) }
    for row in 0..<block.live {
      let sum = (row * particles..<(row + 1) * particles).reduce(0) { $0 + losses[$1] }
      reconstruction[block.row + row] = sum / Double(particles)
    }
    if weighted {
      latent.combine(
        block, losses: particleLosses.base, beta: Double(beta),
        importanceWeighted: options.objective.importanceWeighted, objective: objective,
        divergence: divergence)
      if learning {
        vt_scale_rows(
          outputDelta[wide.row], outputDelta.isBF16, latent.shares(block), wide.live,
          outputDelta.width)
      }
    } else {
      for row in block.row..<block.row + block.live {
        if isPlain { divergence[row] = 0 }
        objective[row] = reconstruction[row] + Double(beta) * divergence[row]
      }
    }
  }

  private func backThroughCodes(_ block: RowBlock, dz: UnsafeMutablePointer<Float>) {
    guard !isPlain else {
      headsDelta.store(dz, row: block.row, rows: block.size)
      return
    }
    let settings = options.objective
    let rows = batch.indices.count
    latent.backward(
      block, dz: dz, sampled: settings.isSampled, freeBits: settings.freeBits, rows: rows,
      weight: beta / Float(rows))
  }

  /// Σ (D − Σ(x − μ)²/σ²) over the particles, each with its share in the objective.
  private func logSigmaGradient() -> Float {
    let width = targets.width
    let constant = Likelihood.constant(width: width, logSigma: Double(model.logSigma))
    var sum = 0.0
    for particle in 0..<batch.indices.count * particles {
      let gradient = Double(width) - 2 * (particleLosses.base[particle] - constant)
      sum +=
        gradient
        * (options.objective.isSampled && !isPlain
          ? Double(latent.share(particle)) : 1 / Double(particles))
    }
    return Float(sum / Double(batch.indices.count))
  }
}

extension VAE {
  /// The logarithm of the learned standard deviation; 0 where there is none.
  var logSigma: Float {
    parameters.index(of: "decoder.log_sigma").map { parameters[$0][0] } ?? 0
  }

  public var beta: Float { configuration.beta }

  public func makeGraph(rows: RowStore, options: GraphOptions, pool: WorkerPool) throws
    -> any TrainingGraph
  {
    try VAEGraph(self, rows: rows, options: options, pool: pool)
  }
}
