import CKernels

/// Runs blocks of rows through one half of a network on all workers.
final class BlockRunner {
  static let block = 64

  /// Enough blocks to keep every worker busy between two reads, and no more than caches hold.
  let capacity: Int
  private let pool: WorkerPool
  private let inputs: Matrix
  private let outputs: Matrix

  init(inputs: Int, outputs: Int, precision: Precision, pool: WorkerPool) throws {
    self.pool = pool
    capacity = Self.block * 4 * pool.count
    let rows = Self.block * pool.count
    self.inputs = try Matrix(rows: rows, width: inputs, precision: precision)
    self.outputs = try Matrix(rows: rows, width: outputs)
  }

  static func blocks(_ pool: WorkerPool) -> RowBlocks {
    RowBlocks(count: pool.count, size: block)
  }

  /// For each block of `input`: `run` computes f32 outputs from inputs in the engine's precision,
  /// in the memory of the rows from `row` on; `take` gets them.
  func apply(
    _ input: UnsafePointer<Float>, count: Int,
    run: (
      _ x: UnsafeRawPointer, _ y: UnsafeMutablePointer<Float>, _ row: Int, _ worker: Int
    ) -> Void,
    take: (_ y: UnsafePointer<Float>, _ firstRow: Int, _ rows: Int) -> Void
  ) {
    pool.run(tasks: (count + Self.block - 1) / Self.block) { task, worker in
      let first = task * Self.block
      let live = min(Self.block, count - first)
      let from = input + first * inputs.width
      let row = worker * Self.block
      var x = UnsafeRawPointer(from)
      if inputs.precision == .bf16 || live < Self.block {
        inputs.store(from, row: row, rows: live)
        x = UnsafeRawPointer(inputs[row])
      }
      run(x, outputs.floats(row), row, worker)
      take(outputs.floats(row), first, live)
    }
  }
}

/// The encoder at work: rows of pixels to posterior means, log-variances or draws.
final class VAEEncoder: RowTransform {
  let inputSize: Int
  let outputSize: Int
  var capacity: Int { runner.capacity }
  private let output: EncoderOutput
  private let network: VAENetwork
  private let runner: BlockRunner

  init(_ model: VAE, _ output: EncoderOutput, precision: Precision, pool: WorkerPool) throws {
    if model.configuration.code == .plain, output != .mean { throw ModelError.noPosterior }
    inputSize = model.inputSize
    outputSize = model.latentSize
    self.output = output
    network = try VAENetwork(
      model, precision: precision, blocks: BlockRunner.blocks(pool), workers: pool.count)
    runner = try BlockRunner(
      inputs: inputSize, outputs: network.heads.outputs, precision: precision, pool: pool)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    let (latent, width) = (outputSize, network.heads.outputs)
    runner.apply(input, count: count) { x, y, row, worker in
      network.encode(x, into: y, row: row, rows: BlockRunner.block, worker: worker)
    } take: { heads, first, rows in
      for r in 0..<rows {
        let to = result + (first + r) * latent
        let mean = heads + r * width
        switch output {
        case .mean: to.update(from: mean, count: latent)
        case .logVariance: for i in 0..<latent { to[i] = min(max(mean[latent + i], -30), 20) }
        case .sample(let seed):
          Noise(seed: seed, purpose: .draw).normals(
            into: to, rows: 1, columns: latent, stride: latent,
            firstRow: UInt64(firstRow + first + r))
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
  var capacity: Int { runner.capacity }
  private let output: DecoderOutput
  private let likelihood: Likelihood
  private let logSigma: Float
  private let network: VAENetwork
  private let runner: BlockRunner

  init(_ model: VAE, _ output: DecoderOutput, precision: Precision, pool: WorkerPool) throws {
    inputSize = model.latentSize
    outputSize = model.inputSize
    self.output = output
    likelihood = model.configuration.likelihood
    logSigma = model.logSigma
    network = try VAENetwork(
      model, precision: precision, blocks: BlockRunner.blocks(pool), workers: pool.count)
    runner = try BlockRunner(
      inputs: inputSize, outputs: network.output.outputs, precision: precision, pool: pool)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    let width = network.output.outputs
    runner.apply(input, count: count) { x, y, row, worker in
      network.decode(x, into: y, row: row, rows: BlockRunner.block, worker: worker)
    } take: { values, first, rows in
      for r in 0..<rows {
        let (from, to) = (values + r * width, result + (first + r) * outputSize)
        switch output {
        case .mean: likelihood.mean(from, into: to, width: outputSize)
        case .sample(let seed):
          likelihood.draw(
            from, into: to, width: outputSize, logSigma: logSigma, seed: seed,
            row: UInt64(firstRow + first + r))
        }
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
}
