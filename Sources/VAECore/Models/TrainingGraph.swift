import CKernels

/// How a model is laid out for training.
public struct GraphOptions: Sendable, Equatable {
  /// The most rows in a batch.
  public var batch = 128
  public var precision = Precision.f32
  public var seed: UInt64 = 0
  public var objective = Objective()
  public var binarisation = Binarisation.none

  public init() {}
}

/// What a batch came to: a value a row, in nats, valid until the next batch and while the graph
/// lives.
public struct BatchLosses {
  /// What is minimised, without `freeNats`.
  public let objective: UnsafePointer<Double>
  /// What dimensions below their free nats add to each row's objective.
  public let freeNats: Double
  /// The terms by name.
  public let terms: [(name: String, values: UnsafePointer<Double>)]
  /// For each latent its size and sums over the rows, a value a dimension: of the posterior means,
  /// of their squares, of the divergence; [3 · size].
  public let latents: [(size: Int, statistics: UnsafePointer<Double>)]
}

/// A model laid out for a batch size, with all the memory a step needs.
///
/// A step is `learn` for the losses and the gradients of the activations, then `gradients` for
/// those of the parameters. A phase ends before the next begins; inside a phase any worker may
/// take any task. Phases keep alive what they work on; the batch's indices are the caller's to keep.
public final class TrainingGraph {
  /// The losses and all that `gradients` needs, as training sees the rows.
  public let learn: [ParallelTasks]
  /// The losses alone, as the trained model gives them.
  public let evaluate: [ParallelTasks]
  private let step: BatchStep
  private let gradientPlan: GradientPlan

  /// - Throws: `LikelihoodError` for rows that the model cannot explain, `ModelError.noLabels`,
  ///   `ComputeError`.
  public init(
    _ model: any LatentModel, rows: Columns, options: GraphOptions, pool: WorkerPool
  ) throws {
    if options.binarisation != .threshold { try model.roles.likelihood?.check(rows.x) }
    step = try BatchStep(model, rows: rows, options: options, pool: pool)
    learn = try step.learningPlan().phases(step.blocks) { [step] in step.columns.rows }
    evaluate = step.evaluationPlan().phases(step.blocks) { [step] in step.columns.rows }
    gradientPlan = GradientPlan(try step.network.gradientTasks())
  }

  /// The batch to work on next; at most the batch size.
  public var batch: Batch {
    get { step.columns.batch }
    set { step.begin(newValue) }
  }

  /// The weight of the divergence in the objective.
  public var beta: Float {
    get { step.run.beta }
    set { step.run.beta = newValue }
  }

  /// What the last batch came to, once its phases have ended.
  public var losses: BatchLosses { step.losses }

  /// The most tasks in a phase of `gradients`.
  public var gradientTaskCount: Int { gradientPlan.count }

  /// The phases that compute the gradients of the parameters and hand them to `sink`.
  public func gradients(into sink: any GradientSink) -> [ParallelTasks] {
    gradientPlan.phases(into: sink)
  }
}

/// One step over a batch: the placed network, and the losses of its rows.
///
/// A step of training, for each block of rows: gather the rows; the forward pass of each layer in
/// order; `score`, which computes the losses of the terms with their gradients; the way back of each
/// layer in reverse order. Then the gradients of the parameters, over the whole batch.
private final class BatchStep {
  let network: PlacedNetwork
  let columns: BatchColumns
  let run = RunState()
  var blocks: RowBlocks { network.placement.blocks }

  private let options: GraphOptions
  private let particles: Int
  private let x: EdgeMemory
  private let label: EdgeMemory?
  private let names: [String]
  private let terms: [any PlacedTerm]
  private let latents: [any PlacedLatent]
  /// Whether the divergence is taken at the draws.
  private let isSampled: Bool
  /// Whether the divergence is a term that is reported.
  private let hasDivergence: Bool
  /// [capacity]
  private let objective: AlignedBuffer<Double>
  /// For each term [capacity], the mean over its particles.
  private let rowLosses: [AlignedBuffer<Double>]
  /// The divergence of all latents, [capacity].
  private let divergence: AlignedBuffer<Double>
  private let particleWeights: ParticleWeights

  init(
    _ model: any LatentModel, rows: Columns, options: GraphOptions, pool: WorkerPool
  ) throws {
    let hasPosterior = model.roles.latent.hasPosterior
    guard rows.labels != nil || model.roles.likelihood != nil && !model.isConditional else {
      throw ModelError.noLabels
    }
    self.options = options
    hasDivergence = model.roles.likelihood != nil
    particles = hasPosterior ? options.objective.particles : 1
    isSampled = hasPosterior && options.objective.isSampled
    columns = BatchColumns(rows)
    run.seed = options.seed
    run.objective = options.objective
    run.beta = model.beta
    let placement = try Placement(
      store: model.parameters, precision: options.precision,
      blocks: RowBlocks(rows: min(options.batch, rows.rows), particles: particles),
      particles: particles, workers: pool.count, isTraining: true, run: run)
    let given = model.roles.label?.edge
    network = try PlacedNetwork(
      model.network, placement, ends: [model.roles.x] + (given.map { [$0] } ?? []))
    x = network[model.roles.x]
    label = given.map { [network] in network[$0] }
    latents = network.layers.compactMap { $0 as? any PlacedLatent }
    names = model.network.terms.map(\.term)
    terms = network.layers.compactMap { $0 as? any PlacedTerm }
    let capacity = placement.blocks.capacity
    objective = try AlignedBuffer(count: capacity)
    rowLosses = try terms.map { _ in try AlignedBuffer(count: capacity) }
    divergence = try AlignedBuffer(count: capacity)
    particleWeights = try ParticleWeights(isSampled ? capacity : 0, particles: particles)
    if isSampled { run.shares = particleWeights.shares }
    if options.binarisation == .dynamic {
      try placement.workspace.reserve(placement.blocks.size * x.width)
    }
  }

  func begin(_ batch: Batch) {
    columns.batch = batch
    run.rows = batch.indices.count
    run.step = batch.step
  }

  var losses: BatchLosses {
    BatchLosses(
      objective: UnsafePointer(objective.base),
      freeNats: latents.reduce(0) { $0 + $1.freeNats() } * Double(run.beta),
      terms: zip(names, rowLosses).map { ($0, UnsafePointer($1.base)) }
        + (hasDivergence ? [(Losses.divergence, UnsafePointer(divergence.base))] : []),
      latents: latents.map { ($0.size, $0.totals()) })
  }

  func learningPlan() throws -> RowPlan {
    var plan = RowPlan()
    plan.add { [self] block, worker in gather(block, evaluating: false, worker: worker) }
    network.addForward(to: &plan)
    plan.add { [self] block, worker in score(block, learning: true, worker: worker) }
    if latents.contains(where: \.needsWholeBatch) { plan.barrier() }
    try network.addBackward(to: &plan)
    return plan
  }

  func evaluationPlan() -> RowPlan {
    var plan = RowPlan()
    plan.add { [self] block, worker in
      gather(block, evaluating: true, worker: worker)
      network.apply(block, worker: worker)
      score(block, learning: false, worker: worker)
    }
    for latent in latents { latent.addClearing(to: &plan) }
    return plan
  }

  private func gather(_ block: RowBlock, evaluating: Bool, worker: Int) {
    let to = x.floats(block)
    columns.gather(block, into: to)
    let count = block.live * x.width
    switch options.binarisation {
    case .none:
      break
    case .threshold:
      for i in 0..<count { to[i] = to[i] > 0.5 ? 1 : 0 }
    case .dynamic:
      let uniforms = network.placement.workspace[worker]
      vt_uniforms(
        uniforms, block.live, x.width, run.seed, NoisePurpose.binarise.rawValue, run.step,
        evaluating ? 1 : 0, UInt64(block.row))
      vt_binarise(to, uniforms, count)
    }
    x.publish(block)
    guard let label else { return }
    columns.gatherLabels(block, classes: label.width, into: label.floats(block))
    label.publish(block)
  }

  /// The losses of the block's rows and, to learn, the gradients of what the terms read.
  private func score(_ block: RowBlock, learning: Bool, worker: Int) {
    let scale = 1 / Float(run.rows)
    for (index, term) in terms.enumerated() {
      // Where particles are weighed, the gradient is multiplied by their shares afterwards.
      let share = isSampled ? scale : scale / Float(term.repeats)
      term.score(block, columns: columns, scale: learning ? share : nil, worker: worker)
      let means = rowLosses[index].base
      for row in block.row..<block.row + block.live {
        let sum = (row * term.repeats..<(row + 1) * term.repeats).reduce(0) {
          $0 + term.losses[$1]
        }
        means[row] = sum / Double(term.repeats)
      }
    }
    if isSampled {
      particleWeights.combine(
        block, terms: terms, latents: latents, run: run, objective: objective.base)
    }
    for row in block.row..<block.row + block.live {
      divergence.base[row] = latents.reduce(0) { $0 + $1.divergence[row] }
      if isSampled, options.objective.importanceWeighted { continue }
      objective.base[row] =
        rowLosses.reduce(0) { $0 + $1.base[row] } + Double(run.beta) * divergence.base[row]
    }
    guard learning, isSampled else { return }
    for term in terms {
      term.weigh(block, by: particleWeights.shares + block.row * particles, worker: worker)
    }
  }
}

extension Network {
  /// The terms of the loss, in order.
  var terms: [any TermLayer] { nodes.compactMap { $0.layer as? any TermLayer } }
}
