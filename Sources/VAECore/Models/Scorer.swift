#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Scores rows by a model, `particles` draws a row, in memory that does not grow with either.
final class Scorer: RowTransform {
  /// Rows of one multiplication.
  private static let block = 64
  /// Noise of particle k of row r is that of row r · 2²⁰ + k.
  static let mostParticles = 1 << 20

  let inputSize: Int
  let outputSize = 1
  let capacity: Int
  private let options: ScoreOptions
  private let pool: WorkerPool
  private let latent: any Latent
  private let likelihood: any Likelihood
  /// The likelihood's own.
  private let parameters: UnsafePointer<Float>
  /// From x to the heads, and from z to what the likelihood reads; a block for each worker.
  private let encoder: PlacedNetwork
  private let decoder: PlacedNetwork
  private let x: EdgeMemory
  private let heads: EdgeMemory
  private let z: EdgeMemory
  private let outputs: EdgeMemory
  private let workers: [Worker]
  private let intake: RowIntake
  private let labels: RowLabels?
  private let encoderLabels: LabelColumn?
  private let decoderLabels: LabelColumn?

  /// One worker's memory, for a block of rows or of particles.
  private struct Worker {
    /// [block, latent]
    let noise: Matrix
    /// [1, input]
    let reconstruction: Matrix
    /// [block]
    let losses: AlignedBuffer<Double>
    let ratios: AlignedBuffer<Double>
    let divergence: AlignedBuffer<Double>
  }

  /// - Throws: `ModelError.noDecoder`, `.noPosterior`, `.needsLabels`, `.takesNoLabels`,
  ///   `ComputeError`.
  init(
    _ model: any LatentModel, _ options: ScoreOptions, labels: RowLabels?, pool: WorkerPool
  ) throws {
    let roles = model.roles
    guard let likelihood = roles.likelihood else { throw ModelError.noDecoder }
    latent = roles.latent
    if !latent.hasPosterior, options.term == .kl || options.term == .nll {
      throw ModelError.noPosterior
    }
    var options = options
    if !latent.hasPosterior { options.atMean = true }
    self.options = options
    self.pool = pool
    self.likelihood = likelihood
    intake = RowIntake(model.architecture)
    parameters = likelihood.values(in: model.parameters)
    inputSize = model.inputSize
    capacity = Self.block * 4 * pool.count
    let placement = try Placement(
      store: model.parameters, precision: options.precision,
      blocks: RowBlocks(count: pool.count, size: Self.block), workers: pool.count,
      isTraining: false)
    let label = try model.label(with: labels).map { [$0] } ?? []
    encoder = try PlacedNetwork(
      model.network.part(computing: roles.heads, from: roles.x), placement,
      ends: [roles.heads] + label)
    decoder = try PlacedNetwork(
      model.network.part(computing: roles.output, from: roles.z), placement,
      ends: [roles.output] + label)
    self.labels = labels
    encoderLabels = try LabelColumn(encoder, model, labels)
    decoderLabels = try LabelColumn(decoder, model, labels)
    x = encoder[roles.x]
    heads = encoder[roles.heads]
    z = decoder[roles.z]
    outputs = decoder[roles.output]
    let (block, size) = (Self.block, latent.size)
    workers = try (0..<pool.count).map { _ in
      Worker(
        noise: try Matrix(rows: block, width: size),
        reconstruction: try Matrix(rows: 1, width: model.inputSize),
        losses: try AlignedBuffer(count: block), ratios: try AlignedBuffer(count: block),
        divergence: try AlignedBuffer(count: block))
    }
  }

  func prepare(
    _ input: UnsafeMutableBufferPointer<Float>, firstRow: Int, of name: String,
    areBytes: Bool
  ) throws {
    try intake.take(input, width: inputSize, firstRow: firstRow, name: name, areBytes: areBytes)
    try labels?.take(input.count / inputSize, firstRow: firstRow, of: name)
  }

  func end(of name: String) throws { try labels?.end(of: name) }

  var remarks: [String] { intake.remarks }

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

  /// The block of a worker's memory with so many live rows.
  private func block(_ worker: Int, live: Int) -> RowBlock {
    RowBlock(index: worker, row: worker * Self.block, size: Self.block, live: live)
  }

  private func score(
    _ x: UnsafePointer<Float>, rows: Int, firstRow: Int,
    into scores: UnsafeMutablePointer<Float>, worker: Int
  ) {
    let (memory, block) = (workers[worker], block(worker, live: rows))
    self.x.load(x, block)
    encoderLabels?.load(block, firstRow: firstRow)
    encoder.apply(block, worker: worker)
    memory.noise.clear(0..<rows)
    latent.draw(
      heads: heads.floats(block), noise: memory.noise.floats(0), rows: rows, particles: 1,
      into: target(worker), divergence: memory.divergence.base, ratio: nil)
    if options.term == .kl {
      for r in 0..<rows { scores[r] = Float(memory.divergence.base[r]) }
    } else if options.atMean {
      atMean(x, rows: rows, firstRow: firstRow, into: scores, worker: worker)
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

  /// The worker's rows of z.
  private func target(_ worker: Int) -> RowTarget {
    RowTarget(base: z.operand[worker * Self.block], isBF16: z.operand.isBF16)
  }

  /// By z at the means, which stands ready.
  private func atMean(
    _ x: UnsafePointer<Float>, rows: Int, firstRow: Int, into scores: UnsafeMutablePointer<Float>,
    worker: Int
  ) {
    let memory = workers[worker]
    decode(x, rows: rows, particles: 1, firstRow: firstRow, worker: worker)
    for r in 0..<rows {
      scores[r] = Float(
        options.term == .mse
          ? squaredError(x + r * inputSize, output: r, worker: worker)
          : memory.losses.base[r] + (options.term == .elbo ? memory.divergence.base[r] : 0))
    }
  }

  /// Scores a group of rows by their particles, a chunk of these at a time.
  private func byDraws(
    _ x: UnsafePointer<Float>, rows: Int, headsRow: Int, firstRow: Int,
    into scores: UnsafeMutablePointer<Float>, worker: Int
  ) {
    let memory = workers[worker]
    let noise = Noise(seed: options.seed, purpose: .evaluate)
    let heads = heads.values.floats(worker * Self.block + headsRow)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: rows) { divergence in
      withUnsafeTemporaryAllocation(of: LogSumExp.self, capacity: rows) { sums in
        guard let divergence = divergence.baseAddress else { return }
        sums.initialize(repeating: LogSumExp())
        for first in stride(from: 0, to: options.particles, by: Self.block) {
          let chunk = min(Self.block, options.particles - first)
          for r in 0..<rows {
            noise.normals(
              into: memory.noise.floats(r * chunk), rows: chunk, columns: latent.size,
              stride: latent.size, firstRow: UInt64(firstRow + r) << 20 + UInt64(first))
          }
          latent.draw(
            heads: heads, noise: memory.noise.floats(0), rows: rows, particles: chunk,
            into: target(worker), divergence: divergence, ratio: memory.ratios.base)
          decode(x, rows: rows, particles: chunk, firstRow: firstRow, worker: worker)
          for particle in 0..<rows * chunk {
            let (r, loss) = (particle / chunk, memory.losses.base[particle])
            switch options.term {
            case .nll: sums[r].add(memory.ratios.base[particle] - loss)
            case .mse:
              sums[r].addPlain(squaredError(x + r * inputSize, output: particle, worker: worker))
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
  }

  /// The outputs and losses of the draws that stand ready.
  private func decode(
    _ x: UnsafePointer<Float>, rows: Int, particles: Int, firstRow: Int, worker: Int
  ) {
    let block = block(worker, live: rows * particles)
    decoderLabels?.load(block, firstRow: firstRow, each: particles)
    decoder.apply(block, worker: worker)
    likelihood.loss(
      LikelihoodRows(
        loss: workers[worker].losses.base, delta: nil, output: outputs.floats(block), targets: x,
        rows: rows * particles, repeats: particles, width: inputSize),
      parameters: parameters)
  }

  private func squaredError(_ x: UnsafePointer<Float>, output: Int, worker: Int) -> Double {
    let mean = workers[worker].reconstruction.floats(0)
    likelihood.mean(
      outputs.values.floats(worker * Self.block + output), into: mean, width: inputSize)
    let sum = (0..<inputSize).reduce(0.0) { sum, i in
      let difference = Double(x[i]) - Double(mean[i])
      return sum + difference * difference
    }
    return sum / Double(inputSize)
  }
}

/// Scores rows by a conditional model under each class in turn.
private final class ClassScorer: RowTransform {
  private let scorer: Scorer
  private let labels = RowLabels()
  private let logShares: [Float]
  /// [capacity]
  private let scores: AlignedBuffer<Float>

  init(_ model: any LatentModel, _ options: ScoreOptions, pool: WorkerPool) throws {
    guard let label = model.roles.label else { throw ModelError.takesNoLabels }
    var options = options
    options.term = .nll
    scorer = try Scorer(model, options, labels: labels, pool: pool)
    let rows = label.rows.reduce(0.0) { $0 + Double($1) }
    logShares = label.rows.map { Float(log(Double($0) / rows)) }
    scores = try AlignedBuffer(count: scorer.capacity)
  }

  var inputSize: Int { scorer.inputSize }
  var outputSize: Int { logShares.count }
  var capacity: Int { scorer.capacity }
  var remarks: [String] { scorer.remarks }

  func prepare(
    _ input: UnsafeMutableBufferPointer<Float>, firstRow: Int, of name: String, areBytes: Bool
  ) throws {
    try scorer.prepare(input, firstRow: firstRow, of: name, areBytes: areBytes)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    for (index, share) in logShares.enumerated() {
      labels.set(repeatElement(UInt32(index), count: count), firstRow: firstRow)
      scorer.apply(input, count: count, firstRow: firstRow, into: scores.base)
      for row in 0..<count { result[row * logShares.count + index] = share - scores.base[row] }
    }
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

extension LatentModel {
  /// Rows to a score each.
  ///
  /// - Parameter labels: of the rows, for a conditional model.
  /// - Throws: `ModelError.noDecoder`, `.noPosterior`, `.needsLabels`, `.takesNoLabels`,
  ///   `ComputeError`.
  public func makeScorer(
    _ options: ScoreOptions, labels: RowLabels? = nil, pool: WorkerPool
  ) throws -> any RowTransform {
    try Scorer(self, options, labels: labels, pool: pool)
  }

  /// A conditional model as a classifier: rows to log p(x | y) + log p(y) for each class y in order, by
  /// importance sampling; p(y) is the share of the class in the rows that it learned from.
  ///
  /// - Parameter options: of which the term is not used.
  /// - Throws: `ModelError.takesNoLabels`, and as `makeScorer`.
  public func makeClassifier(_ options: ScoreOptions, pool: WorkerPool) throws -> any RowTransform {
    try ClassScorer(self, options, pool: pool)
  }
}
