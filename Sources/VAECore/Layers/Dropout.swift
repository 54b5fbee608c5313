import CKernels

/// Sets values to zero with a probability, in training alone, and scales the others so that their
/// expectation stays (Srivastava et al., 2014).
public struct Dropout: Layer {
  public let probability: Float
  /// Tells the layers of a model apart, for the noise.
  public let number: Int

  public init(_ probability: Float, number: Int) {
    self.probability = probability
    self.number = number
  }

  public func isInPlace(training: Bool) -> Bool { true }

  public func place(_ site: Site) throws -> any PlacedLayer { try PlacedDropout(self, site) }
}

private final class PlacedDropout: PlacedLayer {
  private let layer: Dropout
  private let x: EdgeMemory
  private let y: EdgeMemory
  private let run: RunState
  private let workspace: WorkerScratch

  init(_ layer: Dropout, _ site: Site) throws {
    self.layer = layer
    x = site.inputs[0]
    y = site.output
    run = site.placement.run
    workspace = site.placement.workspace
    try workspace.reserve(2 * site.placement.blocks.size * y.repeats * y.width)
  }

  func apply(_ block: RowBlock, worker: Int) { y.store(x.floats(block), block) }

  func addForward(to plan: inout RowPlan) {
    plan.add { [self] block, worker in
      let rows = y.rows(block)
      let count = rows.size * y.width
      let to = y.values.precision == .f32 ? y.floats(block) : workspace[worker] + count
      if to != x.floats(block) { to.update(from: x.floats(block), count: count) }
      drop(to, rows, worker: worker)
      y.store(to, block)
    }
  }

  func addBackward(to plan: inout RowPlan) {
    guard let dx = x.contribution() else { return }
    plan.add { [self] block, worker in
      let gradient = y.gradient(block, worker: worker)
      drop(gradient, y.rows(block), worker: worker)
      dx.deliver(gradient, block, worker: worker)
    }
  }

  /// The same values are dropped on the way there and back.
  private func drop(_ x: UnsafeMutablePointer<Float>, _ rows: RowBlock, worker: Int) {
    let uniforms = workspace[worker]
    vt_uniforms(
      uniforms, rows.size, y.width, run.seed, NoisePurpose.dropout.rawValue, run.step,
      UInt32(layer.number), UInt64(rows.row))
    vt_dropout(x, uniforms, rows.size * y.width, layer.probability)
  }
}
