import CKernels

/// A VAE laid out for training: the activations of a batch, and a step as two phases.
///
/// The first runs a block of rows through encoder, noise, decoder and loss and back to the first
/// layer; the second computes the parameters' gradients over the whole batch.
final class VAEGraph: TrainingGraph {
  var batch = Batch(indices: UnsafeBufferPointer(start: nil, count: 0), step: 0)
  var beta: Float

  private let rows: RowStore
  private let likelihood: Likelihood
  private let latent: GaussianLatent
  private let network: VAENetwork
  private let blocks: RowBlocks
  private let precision: Precision
  private let seed: UInt64
  private let scratch: WorkerScratch

  /// Inputs in f32, which the loss reads.
  private let targets: Matrix
  /// `values[i]` enters layer i of the encoder; the heads come last. Likewise for the decoder.
  private let encoderValues: [Matrix]
  private let encoderDeltas: [Matrix]
  private let decoderValues: [Matrix]
  private let decoderDeltas: [Matrix]
  private let noise: Matrix
  private let losses: AlignedBuffer<Double>
  private let gradientTasks: [GradientTask]

  init(
    _ model: VAE, rows: RowStore, batch: Int, precision: Precision, seed: UInt64, pool: WorkerPool
  ) throws {
    try model.likelihood.check(rows)
    self.rows = rows
    self.precision = precision
    self.seed = seed
    likelihood = model.likelihood
    beta = model.configuration.beta
    latent = GaussianLatent(size: model.latentSize)
    let blocks = RowBlocks(rows: min(batch, rows.rows))
    self.blocks = blocks
    network = try VAENetwork(
      model, precision: precision, block: blocks.size, workers: pool.count)
    func values(_ layers: [Dense]) throws -> [Matrix] {
      try layers.map {
        try Matrix(rows: blocks.capacity, width: $0.inputs, precision: precision)
      } + [Matrix(rows: blocks.capacity, width: layers[layers.count - 1].outputs)]
    }
    func deltas(_ layers: [Dense]) throws -> [Matrix] {
      try layers.map {
        try Matrix(rows: blocks.capacity, width: $0.outputs, precision: precision)
      }
    }
    encoderValues = try values(network.encoder)
    encoderDeltas = try deltas(network.encoder)
    decoderValues = try values(network.decoder)
    decoderDeltas = try deltas(network.decoder)
    targets =
      precision == .f32
      ? encoderValues[0] : try Matrix(rows: blocks.capacity, width: model.inputSize)
    noise = try Matrix(rows: blocks.capacity, width: model.latentSize)
    losses = try AlignedBuffer(count: 2 * blocks.capacity)

    scratch = try WorkerScratch(workers: pool.count)
    for layer in network.encoder.dropFirst() + network.decoder {
      try layer.prepareBackward()
      try scratch.reserve(blocks.size * layer.inputs)
    }
    var tasks: [GradientTask] = []
    for (layers, values, deltas) in [
      (network.encoder, encoderValues, encoderDeltas),
      (network.decoder, decoderValues, decoderDeltas),
    ] {
      for (index, layer) in layers.enumerated() {
        tasks += try layer.gradientTasks(x: values[index], dy: deltas[index], scratch: scratch)
      }
    }
    gradientTasks = tasks.sorted { $0.cost > $1.cost }
  }

  var reconstruction: UnsafeMutablePointer<Double> { losses.base }
  var divergence: UnsafeMutablePointer<Double> { losses.base + blocks.capacity }
  var means: UnsafePointer<Float> {
    UnsafePointer(encoderValues[network.encoder.count].floats(0))
  }
  var meansStride: Int { 2 * latent.size }

  var forward: [Phase] {
    [Phase(tasks: blocks.count) { [unowned self] task, worker in pass(task, worker) }]
  }

  var gradientTaskCount: Int { gradientTasks.count }

  func gradients(into sink: any GradientSink) -> [Phase] {
    let tasks = gradientTasks
    return [Phase(tasks: tasks.count) { task, worker in tasks[task].body(sink, task, worker) }]
  }

  /// One block of rows, there and back. Rows beyond the batch stay in the multiplications with
  /// zero gradients.
  private func pass(_ task: Int, _ worker: Int) {
    let row = task * blocks.size
    let live = max(0, min(blocks.size, batch.indices.count - row))
    guard live > 0 else {
      for delta in encoderDeltas { delta.clear(row..<row + blocks.size) }
      for delta in decoderDeltas { delta.clear(row..<row + blocks.size) }
      return
    }
    let dead = row + live..<row + blocks.size

    gather(row: row, count: live)
    let last = forward(network.encoder, encoderValues, row: row, worker: worker)
    let heads = UnsafePointer(last.floats(row))
    Noise(seed: seed, purpose: batch.purpose, step: batch.step).normals(
      into: noise.floats(row), rows: live, columns: latent.size, stride: latent.size,
      firstRow: UInt64(row))
    let eps = UnsafePointer(noise.floats(row))
    latent.forward(
      heads: heads, noise: eps, into: decoderValues[0], row: row, divergence: divergence + row,
      rows: live)
    let output = forward(network.decoder, decoderValues, row: row, worker: worker)
    let scale = 1 / Float(batch.indices.count)
    let learning = batch.purpose == .latent
    let outputDelta = decoderDeltas[network.decoder.count - 1]
    likelihood.loss(
      into: reconstruction + row, delta: learning ? outputDelta : nil, row: row,
      output: output.floats(row), targets: targets.floats(row), rows: live, width: targets.width,
      scale: scale)
    guard learning else { return }

    outputDelta.clear(dead)
    backward(network.decoder, decoderValues, decoderDeltas, row: row, worker: worker)
    network.decoder[0].backward(decoderDeltas[0][row], into: scratch[worker], worker: worker)
    let headsDelta = encoderDeltas[network.encoder.count - 1]
    latent.backward(
      dz: scratch[worker], heads: heads, noise: eps, into: headsDelta, row: row, rows: live,
      weight: beta * scale)
    headsDelta.clear(dead)
    backward(network.encoder, encoderValues, encoderDeltas, row: row, worker: worker)
  }

  private func gather(row: Int, count: Int) {
    guard let index = batch.indices.baseAddress.map({ $0 + row }) else { return }
    let to = targets.floats(row)
    if let bytes = rows.bytes {
      vt_gather_u8(to, bytes, index, count, targets.width)
    } else if let floats = rows.floats {
      vt_gather_f32(to, floats, index, count, targets.width)
    }
    if precision == .bf16 {
      vt_bf16_from_f32(
        encoderValues[0][row].assumingMemoryBound(to: UInt16.self), to, count * targets.width)
    }
  }

  private func forward(_ layers: [Dense], _ values: [Matrix], row: Int, worker: Int) -> Matrix {
    for (index, layer) in layers.enumerated() {
      layer.forward(values[index][row], into: values[index + 1][row], worker: worker)
    }
    return values[layers.count]
  }

  /// From the gradient of the last layer's output to that of the first's.
  private func backward(
    _ layers: [Dense], _ values: [Matrix], _ deltas: [Matrix], row: Int, worker: Int
  ) {
    for index in layers.indices.dropFirst().reversed() {
      layers[index].backward(deltas[index][row], into: scratch[worker], worker: worker)
      let below = deltas[index - 1]
      vt_relu_backward(
        below[row], scratch[worker], values[index][row], below.isBF16, blocks.size * below.width)
    }
  }
}
