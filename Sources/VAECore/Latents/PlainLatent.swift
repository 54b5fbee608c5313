/// The latent of a plain autoencoder: the heads as they are, without noise or divergence.
public struct PlainLatent: Latent {
  public let size: Int
  public var hasPosterior: Bool { false }

  public init(size: Int) { self.size = size }

  public func isInPlace(training: Bool) -> Bool { true }

  public func encode(
    _ heads: UnsafePointer<Float>, as output: EncoderOutput, row: UInt64,
    into z: UnsafeMutablePointer<Float>
  ) {
    z.update(from: heads, count: size)
  }

  public func draw(
    heads: UnsafePointer<Float>, noise: UnsafePointer<Float>, rows: Int, particles: Int,
    into z: RowTarget, divergence: UnsafeMutablePointer<Double>,
    ratio: UnsafeMutablePointer<Double>?
  ) {
    precondition(particles == 1, "a plain latent has one value a row")
    z.store(heads, count: rows * size)
    divergence.update(repeating: 0, count: rows)
    ratio?.update(repeating: 0, count: rows)
  }

  public func place(_ site: Site) throws -> any PlacedLatent { try PlacedPlainLatent(self, site) }
}

private final class PlacedPlainLatent: PlacedLatent {
  let size: Int
  let needsWholeBatch = false
  private let heads: EdgeMemory
  private let z: EdgeMemory
  /// Zeros, [capacity].
  private let divergences: AlignedBuffer<Double>
  private let statistics: LatentStatistics

  init(_ layer: PlainLatent, _ site: Site) throws {
    size = layer.size
    heads = site.inputs[0]
    z = site.output
    let blocks = site.placement.blocks
    divergences = try AlignedBuffer(count: blocks.capacity)
    statistics = try LatentStatistics(size: size, blocks: blocks)
  }

  var divergence: UnsafePointer<Double> { UnsafePointer(divergences.base) }

  func apply(_ block: RowBlock, worker: Int) {
    let values = heads.floats(block)
    z.store(values, block)
    let sums = statistics.cleared(block)
    for row in 0..<block.live {
      for i in 0..<size {
        let value = Double(values[row * size + i])
        sums[i] += value
        sums[size + i] += value * value
      }
    }
  }

  func addForward(to plan: inout RowPlan) {
    plan.add { [self] block, worker in apply(block, worker: worker) }
    addClearing(to: &plan)
  }

  func addClearing(to plan: inout RowPlan) {
    plan.addForDead { [self] block, _ in _ = statistics.cleared(block) }
  }

  func addBackward(to plan: inout RowPlan) {
    guard let contribution = heads.contribution() else { return }
    plan.add { [self] block, worker in
      contribution.deliver(z.gradient(block, worker: worker), block, worker: worker)
    }
  }

  func totals() -> UnsafePointer<Double> { statistics.totals() }

  func addLogRatio(_ block: RowBlock, to ratio: UnsafeMutablePointer<Double>) {}
  func freeNats() -> Double { 0 }
}
