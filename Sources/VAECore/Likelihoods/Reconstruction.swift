import CKernels

/// −log p(x | z), a term of the loss: of the decoder's output [heads · width] and of x [width].
public struct Reconstruction: TermLayer {
  public let likelihood: any Likelihood

  public init(_ likelihood: any Likelihood) { self.likelihood = likelihood }

  public var term: String { "reconstruction" }
  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] { likelihood.parameters }
  public func place(_ site: Site) throws -> any PlacedTerm {
    try PlacedReconstruction(likelihood, site)
  }
}

extension Likelihood {
  /// The values of the likelihood's own parameters. Valid while the store lives.
  func values(in store: ParameterStore) -> UnsafePointer<Float> {
    UnsafePointer(
      parameters.first.map { store.values.base + store.offset(of: $0.name) } ?? store.values.base)
  }
}

private final class PlacedReconstruction: PlacedTerm {
  private let likelihood: any Likelihood
  private let output: EdgeMemory
  private let targets: EdgeMemory
  private let store: ParameterStore
  private let parameters: UnsafePointer<Float>
  private let run: RunState
  private let workspace: WorkerScratch
  private let contribution: GradientContribution?
  /// [capacity · repeats]
  private let rowLosses: AlignedBuffer<Double>

  init(_ likelihood: any Likelihood, _ site: Site) throws {
    self.likelihood = likelihood
    output = site.inputs[0]
    targets = site.inputs[1]
    store = site.placement.store
    parameters = likelihood.values(in: store)
    run = site.placement.run
    workspace = site.placement.workspace
    contribution = output.contribution()
    rowLosses = try AlignedBuffer(count: site.placement.blocks.capacity * output.repeats)
  }

  var repeats: Int { output.repeats }
  var losses: UnsafePointer<Double> { UnsafePointer(rowLosses.base) }

  func score(_ block: RowBlock, columns: BatchColumns, scale: Float?, worker: Int) {
    let rows = output.rows(block)
    let target = scale == nil ? nil : contribution?.target(block, worker: worker)
    likelihood.loss(
      LikelihoodRows(
        loss: rowLosses.base + rows.row, delta: target, output: output.floats(block),
        targets: targets.floats(block), rows: rows.live, repeats: repeats, width: targets.width,
        scale: scale ?? 1),
      parameters: parameters)
    if let target { contribution?.deliver(target, block, worker: worker) }
  }

  func weigh(_ block: RowBlock, by shares: UnsafePointer<Float>, worker: Int) {
    guard let target = contribution?.target(block, worker: worker) else { return }
    vt_scale_rows(target.base, target.isBF16, shares, output.rows(block).live, output.width)
  }

  func gradientTasks() throws -> [GradientTask] {
    guard let own = likelihood.parameters.first else { return [] }
    let offset = store.offset(of: own.name)
    let count = likelihood.parameters.reduce(0) { $0 + $1.count }
    try workspace.reserve(count)
    return [
      GradientTask(cost: 1) { [self] sink, task, worker in
        let gradient = workspace[worker]
        let shares = run.shares
        likelihood.gradients(
          into: gradient,
          losses: UnsafeBufferPointer(start: rowLosses.base, count: run.rows * repeats),
          share: { [repeats] row in shares.map { Double($0[row]) } ?? 1 / Double(repeats) },
          batch: run.rows, width: targets.width, parameters: parameters)
        sink.accept(gradient, offset: offset, count: count, task: task)
      }
    ]
  }
}
