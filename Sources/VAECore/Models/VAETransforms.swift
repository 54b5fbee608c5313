import CKernels

/// One worker's activations for a block of rows, one matrix for each layer's input and the last
/// output.
private func activations(_ layers: [Dense], block: Int, precision: Precision) throws -> [Matrix] {
  try layers.map { try Matrix(rows: block, width: $0.inputs, precision: precision) }
    + [Matrix(rows: block, width: layers[layers.count - 1].outputs)]
}

/// Runs blocks of rows through a stack of layers on all workers.
private final class Stack {
  static let block = 64

  let layers: [Dense]
  /// Enough blocks to keep every worker busy between two reads, and no more than caches hold.
  let capacity: Int
  private let precision: Precision
  private let pool: WorkerPool
  private let values: [[Matrix]]

  init(_ layers: [Dense], precision: Precision, pool: WorkerPool) throws {
    self.layers = layers
    self.precision = precision
    self.pool = pool
    capacity = Self.block * 4 * pool.count
    values = try (0..<pool.count).map { _ in
      try activations(layers, block: Self.block, precision: precision)
    }
  }

  /// Calls `body` with each block's f32 output rows and the number of its first row.
  func apply(
    _ input: UnsafePointer<Float>, count: Int,
    _ body: (_ output: UnsafeMutablePointer<Float>, _ firstRow: Int, _ rows: Int) -> Void
  ) {
    let blocks = (count + Self.block - 1) / Self.block
    pool.run(tasks: blocks) { task, worker in
      let values = values[worker]
      let row = task * Self.block
      let live = min(Self.block, count - row)
      let from = input + row * layers[0].inputs
      if precision == .bf16 {
        vt_bf16_from_f32(
          values[0][0].assumingMemoryBound(to: UInt16.self), from, live * layers[0].inputs)
      } else if live < Self.block {
        values[0].floats(0).update(from: from, count: live * layers[0].inputs)
      }
      let direct = precision == .f32 && live == Self.block
      for (index, layer) in layers.enumerated() {
        let x = index == 0 && direct ? UnsafeRawPointer(from) : UnsafeRawPointer(values[index][0])
        layer.forward(x, into: values[index + 1][0], worker: worker)
      }
      body(values[layers.count].floats(0), row, live)
    }
  }
}

/// The encoder at work: rows of pixels to posterior means, log-variances or draws.
final class VAEEncoder: RowTransform {
  let inputSize: Int
  let outputSize: Int
  private let output: EncoderOutput
  private let stack: Stack
  var capacity: Int { stack.capacity }

  init(
    _ model: VAE, _ output: EncoderOutput, precision: Precision, pool: WorkerPool
  ) throws {
    inputSize = model.inputSize
    outputSize = model.latentSize
    self.output = output
    let network = try VAENetwork(
      model, precision: precision, block: Stack.block, workers: pool.count)
    stack = try Stack(network.encoder, precision: precision, pool: pool)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    let latent = outputSize
    stack.apply(input, count: count) { heads, row, rows in
      for r in 0..<rows {
        let to = result + (row + r) * latent
        let mean = heads + r * 2 * latent
        switch output {
        case .mean: to.update(from: mean, count: latent)
        case .logVariance: to.update(from: mean + latent, count: latent)
        case .sample(let seed):
          Noise(seed: seed, purpose: .draw).normals(
            into: to, rows: 1, columns: latent, stride: latent,
            firstRow: UInt64(firstRow + row + r))
          vt_posterior_sample(to, mean, latent)
        }
      }
    }
  }
}

/// The decoder at work: latents to images.
final class VAEDecoder: RowTransform {
  let inputSize: Int
  let outputSize: Int
  private let output: DecoderOutput
  private let likelihood: Likelihood
  private let stack: Stack
  var capacity: Int { stack.capacity }

  init(
    _ model: VAE, _ output: DecoderOutput, precision: Precision, pool: WorkerPool
  ) throws {
    inputSize = model.latentSize
    outputSize = model.inputSize
    self.output = output
    likelihood = model.likelihood
    let network = try VAENetwork(
      model, precision: precision, block: Stack.block, workers: pool.count)
    stack = try Stack(network.decoder, precision: precision, pool: pool)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    stack.apply(input, count: count) { values, row, rows in
      let to = result + row * outputSize
      to.update(from: values, count: rows * outputSize)
      likelihood.mean(to, count: rows * outputSize)
      guard case .sample(let seed) = output else { return }
      for r in 0..<rows {
        likelihood.draw(
          to + r * outputSize, count: outputSize, seed: seed, row: UInt64(firstRow + row + r))
      }
    }
  }
}

extension VAE {
  public func makeEncoder(
    _ output: EncoderOutput, precision: Precision = .f32, pool: WorkerPool
  ) throws -> any RowTransform {
    try VAEEncoder(self, output, precision: precision, pool: pool)
  }

  public func makeDecoder(
    _ output: DecoderOutput, precision: Precision = .f32, pool: WorkerPool
  ) throws -> any RowTransform {
    try VAEDecoder(self, output, precision: precision, pool: pool)
  }

  public func makeGraph(
    rows: RowStore, batch: Int, precision: Precision, seed: UInt64, pool: WorkerPool
  ) throws -> any TrainingGraph {
    try VAEGraph(
      self, rows: rows, batch: batch, precision: precision, seed: seed, pool: pool)
  }
}
