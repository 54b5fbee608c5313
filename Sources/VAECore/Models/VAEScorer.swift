import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Scores rows by a VAE, `particles` draws a row, in memory that does not grow with either.
final class VAEScorer: RowTransform {
  /// Rows of one multiplication.
  private static let block = 64
  /// Noise of particle k of row r is that of row r · 2²⁰ + k.
  static let mostParticles = 1 << 20

  let inputSize: Int
  let outputSize = 1
  let capacity: Int
  private let model: VAE
  private let options: ScoreOptions
  private let pool: WorkerPool
  private let network: VAENetwork
  private let workers: [Worker]

  /// One worker's memory, for a block of rows or of particles.
  private struct Worker {
    let inputs: Matrix
    let heads: Matrix
    let noise: Matrix
    let codes: Matrix
    let draws: Matrix
    let outputs: Matrix
    let reconstruction: Matrix
    let losses: AlignedBuffer<Double>
    let ratios: AlignedBuffer<Double>
    let divergence: AlignedBuffer<Double>
    let statistics: AlignedBuffer<Double>
  }

  init(_ model: VAE, _ options: ScoreOptions, pool: WorkerPool) throws {
    if model.configuration.code == .plain, options.term == .kl || options.term == .nll {
      throw ModelError.noPosterior
    }
    self.model = model
    var options = options
    if model.configuration.code == .plain { options.atMean = true }
    self.options = options
    self.pool = pool
    inputSize = model.inputSize
    capacity = Self.block * 4 * pool.count
    let network = try VAENetwork(
      model, precision: options.precision,
      blocks: RowBlocks(count: pool.count, size: Self.block), workers: pool.count)
    self.network = network
    let (block, latent, precision) = (Self.block, model.latentSize, options.precision)
    workers = try (0..<pool.count).map { _ in
      Worker(
        inputs: try Matrix(rows: block, width: model.inputSize, precision: precision),
        heads: try Matrix(rows: block, width: network.heads.outputs),
        noise: try Matrix(rows: block, width: latent),
        codes: try Matrix(rows: block, width: latent, precision: precision),
        draws: try Matrix(rows: block, width: latent),
        outputs: try Matrix(rows: block, width: network.output.outputs),
        reconstruction: try Matrix(rows: 1, width: model.inputSize),
        losses: try AlignedBuffer(count: block), ratios: try AlignedBuffer(count: block),
        divergence: try AlignedBuffer(count: block),
        statistics: try AlignedBuffer(count: 3 * latent))
    }
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    pool.run(tasks: (count + Self.block - 1) / Self.block) { task, worker in
      let first = task * Self.block
      score(
        input + first * inputSize, rows: min(Self.block, count - first),
        firstRow: firstRow + first, into: result + first, worker: worker)
    }
  }

  private func score(
    _ x: UnsafePointer<Float>, rows: Int, firstRow: Int,
    into scores: UnsafeMutablePointer<Float>, worker: Int
  ) {
    let memory = workers[worker]
    memory.inputs.store(x, row: 0, rows: rows)
    let row = worker * Self.block
    network.encode(
      memory.inputs[0], into: memory.heads.floats(0), row: row, rows: Self.block, worker: worker)
    divergences(memory, rows: rows)
    if options.term == .kl {
      for r in 0..<rows { scores[r] = Float(memory.divergence.base[r]) }
    } else if options.atMean {
      atMean(x, rows: rows, into: scores, worker: worker)
    } else {
      // As many rows at once as their particles fill a block.
      let group = max(1, Self.block / options.particles)
      for r in stride(from: 0, to: rows, by: group) {
        byDraws(
          x + r * inputSize, rows: min(group, rows - r), headsRow: r, firstRow: firstRow + r,
          into: scores + r, worker: worker)
      }
    }
  }

  private func divergences(_ memory: Worker, rows: Int) {
    let divergence = memory.divergence.base
    guard model.configuration.code == .variational else {
      return divergence.update(repeating: 0, count: rows)
    }
    memory.noise.clear(0..<rows)
    vt_reparameterise(
      memory.codes[0], memory.codes.isBF16, divergence, memory.statistics.base,
      memory.heads.floats(0), memory.noise.floats(0), rows, model.latentSize, 1)
  }

  private func atMean(
    _ x: UnsafePointer<Float>, rows: Int, into scores: UnsafeMutablePointer<Float>, worker: Int
  ) {
    let memory = workers[worker]
    for r in 0..<rows {
      memory.codes.store(
        memory.heads.floats(0) + r * memory.heads.width, row: r, rows: 1)
    }
    decode(x, rows: rows, particles: 1, worker: worker)
    for r in 0..<rows {
      scores[r] = Float(
        options.term == .mse
          ? squaredError(x + r * inputSize, output: r, memory)
          : memory.losses.base[r] + (options.term == .elbo ? memory.divergence.base[r] : 0))
    }
  }

  /// Scores a group of rows by their particles, a chunk of these at a time.
  private func byDraws(
    _ x: UnsafePointer<Float>, rows: Int, headsRow: Int, firstRow: Int,
    into scores: UnsafeMutablePointer<Float>, worker: Int
  ) {
    let memory = workers[worker]
    let latent = model.latentSize
    let noise = Noise(seed: options.seed, purpose: .evaluate)
    let heads = memory.heads.floats(headsRow)
    withUnsafeTemporaryAllocation(of: LogSumExp.self, capacity: rows) { sums in
      sums.initialize(repeating: LogSumExp())
      for first in stride(from: 0, to: options.particles, by: Self.block) {
        let chunk = min(Self.block, options.particles - first)
        for r in 0..<rows {
          noise.normals(
            into: memory.noise.floats(r * chunk), rows: chunk, columns: latent, stride: latent,
            firstRow: UInt64(firstRow + r) << 20 + UInt64(first))
        }
        vt_reparameterise(
          memory.codes[0], memory.codes.isBF16, memory.ratios.base, memory.statistics.base, heads,
          memory.noise.floats(0), rows, latent, chunk)
        decode(x, rows: rows, particles: chunk, worker: worker)
        vt_log_ratio(memory.ratios.base, heads, memory.noise.floats(0), rows, latent, chunk)
        for particle in 0..<rows * chunk {
          let (r, loss) = (particle / chunk, memory.losses.base[particle])
          switch options.term {
          case .nll: sums[r].add(memory.ratios.base[particle] - loss)
          case .mse: sums[r].addPlain(squaredError(x + r * inputSize, output: particle, memory))
          default: sums[r].addPlain(loss)
          }
        }
      }
      for r in 0..<rows {
        switch options.term {
        case .nll: scores[r] = Float(-sums[r].logMean)
        case .elbo: scores[r] = Float(sums[r].mean + memory.divergence.base[headsRow + r])
        default: scores[r] = Float(sums[r].mean)
        }
      }
    }
  }

  /// The outputs and losses of the codes that stand ready.
  private func decode(_ x: UnsafePointer<Float>, rows: Int, particles: Int, worker: Int) {
    let memory = workers[worker]
    network.decode(
      memory.codes[0], into: memory.outputs.floats(0), row: worker * Self.block,
      rows: Self.block, worker: worker)
    model.configuration.likelihood.loss(
      into: memory.losses.base, delta: nil, isBF16: 0, output: memory.outputs.floats(0),
      targets: x, rows: rows * particles, repeats: particles, width: inputSize,
      logSigma: model.logSigma, scale: 1)
  }

  private func squaredError(_ x: UnsafePointer<Float>, output: Int, _ memory: Worker) -> Double {
    let mean = memory.reconstruction.floats(0)
    model.configuration.likelihood.mean(memory.outputs.floats(output), into: mean, width: inputSize)
    let sum = (0..<inputSize).reduce(0.0) { sum, i in
      let difference = Double(x[i]) - Double(mean[i])
      return sum + difference * difference
    }
    return sum / Double(inputSize)
  }
}

/// log Σ e^x of values as they come, and their mean, without overflow.
struct LogSumExp {
  private var highest = -Double.infinity
  private var sum = 0.0
  private var plain = 0.0
  private var count = 0

  mutating func add(_ x: Double) {
    count += 1
    if x > highest {
      sum = sum * exp(highest - x) + 1
      highest = x
    } else {
      sum += exp(x - highest)
    }
  }

  mutating func addPlain(_ x: Double) {
    count += 1
    plain += x
  }

  var logMean: Double { highest + log(sum / Double(count)) }
  var mean: Double { plain / Double(count) }
}

extension VAE {
  public func makeScorer(_ options: ScoreOptions, pool: WorkerPool) throws -> any RowTransform {
    try VAEScorer(self, options, pool: pool)
  }
}
