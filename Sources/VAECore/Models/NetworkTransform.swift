/// A part of a network at work: rows of one edge to rows of another, block by block on all workers.
final class NetworkTransform: RowTransform {
  /// Rows in one multiplication.
  static let block = 64

  let inputSize: Int
  let outputSize: Int
  /// Enough blocks to keep every worker busy between two reads, and no more than caches hold.
  let capacity: Int
  private let pool: WorkerPool
  private let network: PlacedNetwork
  private let from: EdgeMemory
  private let to: EdgeMemory
  private let finish: Finish
  private let intake: RowIntake?
  private let labels: RowLabels?
  private let labelColumn: LabelColumn?

  /// Makes a row that goes out of a row of the edge; `row` numbers it in its stream, for noise.
  typealias Finish = (
    _ values: UnsafePointer<Float>, _ row: UInt64, _ result: UnsafeMutablePointer<Float>
  ) -> Void

  /// - Throws: `ModelError.needsLabels`, `.takesNoLabels`, `ComputeError`.
  init(
    _ model: any LatentModel, from: Edge, to: Edge, outputSize: Int, precision: Precision,
    labels: RowLabels? = nil, intake: RowIntake? = nil, pool: WorkerPool, finish: @escaping Finish
  ) throws {
    self.pool = pool
    self.intake = intake
    self.labels = labels
    self.finish = finish
    self.outputSize = outputSize
    inputSize = from.width
    capacity = Self.block * 4 * pool.count
    network = try PlacedNetwork(
      model.network.part(computing: to, from: from),
      Placement(
        store: model.parameters, precision: precision,
        blocks: RowBlocks(count: pool.count, size: Self.block), workers: pool.count,
        isTraining: false),
      ends: [to] + (try model.label(with: labels).map { [$0] } ?? []))
    labelColumn = try LabelColumn(network, model, labels)
    self.from = network[from]
    self.to = network[to]
  }

  func prepare(
    _ input: UnsafeMutableBufferPointer<Float>, firstRow: Int, of name: String,
    areBytes: Bool
  ) throws {
    try intake?.take(input, width: inputSize, firstRow: firstRow, name: name, areBytes: areBytes)
    try labels?.take(input.count / inputSize, firstRow: firstRow, of: name)
  }

  func end(of name: String) throws { try labels?.end(of: name) }

  var remarks: [String] { intake?.remarks ?? [] }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    pool.run(tasks: (count + Self.block - 1) / Self.block) { task, worker in
      let first = task * Self.block
      let live = min(Self.block, count - first)
      // Each worker has a block of the memory to itself.
      let block = RowBlock(index: worker, row: worker * Self.block, size: Self.block, live: live)
      from.load(input + first * inputSize, block)
      labelColumn?.load(block, firstRow: firstRow + first)
      network.apply(block, worker: worker)
      let values = to.floats(block)
      for row in 0..<live {
        finish(
          values + row * to.width, UInt64(firstRow + first + row),
          result + (first + row) * outputSize)
      }
    }
  }
}

/// What to take from a decoder's likelihood.
public enum DecoderOutput: Sendable, Equatable {
  /// The mean image.
  case mean
  /// A draw from the likelihood, repeated by the seed.
  case sample(seed: UInt64)
}

extension LatentModel {
  /// The encoder at work: rows to posterior means, log-variances or draws.
  ///
  /// - Parameter labels: of the rows, for a conditional model.
  /// - Throws: `ModelError.noEncoder`, `.noPosterior` where the latents have none, `.needsLabels`,
  ///   `.takesNoLabels`, `ComputeError`.
  public func makeEncoder(
    _ output: EncoderOutput, precision: Precision = .f32, labels: RowLabels? = nil,
    pool: WorkerPool
  ) throws -> any RowTransform {
    guard roles.heads != roles.x else { throw ModelError.noEncoder }
    let latent = roles.latent
    if !latent.hasPosterior, output != .mean { throw ModelError.noPosterior }
    return try NetworkTransform(
      self, from: roles.x, to: roles.heads, outputSize: latent.size, precision: precision,
      labels: labels, intake: RowIntake(architecture), pool: pool
    ) { heads, row, z in latent.encode(heads, as: output, row: row, into: z) }
  }

  /// The decoder at work: latents to rows.
  ///
  /// - Parameter labels: of the rows to come, for a conditional model.
  /// - Throws: `ModelError.noDecoder`, `.needsLabels`, `.takesNoLabels`, `ComputeError`.
  public func makeDecoder(
    _ output: DecoderOutput, precision: Precision = .f32, labels: RowLabels? = nil,
    pool: WorkerPool
  ) throws -> any RowTransform {
    guard let likelihood = roles.likelihood else { throw ModelError.noDecoder }
    let (width, own) = (inputSize, likelihood.values(in: parameters))
    return try NetworkTransform(
      self, from: roles.z, to: roles.output, outputSize: width, precision: precision,
      labels: labels, pool: pool
    ) { values, row, x in
      switch output {
      case .mean: likelihood.mean(values, into: x, width: width)
      case .sample(let seed):
        likelihood.draw(
          values, into: x, width: width, parameters: own, seed: seed, row: row)
      }
    }
  }
}
