import CKernels

/// z = μ + e^(v/2)·ε with the divergence from the standard normal, from heads [μ | v]. The
/// log-variance v is clamped to [−30, 20]. (Kingma and Welling, 2014)
public struct GaussianLatent: Latent {
  public let size: Int
  public var hasPosterior: Bool { true }

  public init(size: Int) { self.size = size }

  public func repeats(_ inputs: [Edge.Repeats]) -> Edge.Repeats { .particles }

  public func encode(
    _ heads: UnsafePointer<Float>, as output: EncoderOutput, row: UInt64,
    into z: UnsafeMutablePointer<Float>
  ) {
    switch output {
    case .mean: z.update(from: heads, count: size)
    case .logVariance: for i in 0..<size { z[i] = min(max(heads[size + i], -30), 20) }
    case .sample(let seed):
      Noise(seed: seed, purpose: .draw).normals(
        into: z, rows: 1, columns: size, stride: size, firstRow: row)
      vt_posterior_sample(z, heads, size)
    }
  }

  public func draw(
    heads: UnsafePointer<Float>, noise: UnsafePointer<Float>, rows: Int, particles: Int,
    into z: RowTarget, divergence: UnsafeMutablePointer<Double>,
    ratio: UnsafeMutablePointer<Double>?
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: 3 * size) { statistics in
      statistics.initialize(repeating: 0)
      vt_reparameterise(
        z.base, z.isBF16, divergence, statistics.baseAddress, heads, noise, rows, size, particles)
    }
    if let ratio { vt_log_ratio(ratio, heads, noise, rows, size, particles) }
  }

  public func place(_ site: Site) throws -> any PlacedLatent {
    try PlacedGaussianLatent(self, site)
  }
}

private final class PlacedGaussianLatent: PlacedLatent {
  let size: Int
  private let heads: EdgeMemory
  private let z: EdgeMemory
  private let run: RunState
  private var particles: Int { z.repeats }
  /// [capacity · particles, size]
  private let noise: Matrix
  /// [capacity]
  private let divergences: AlignedBuffer<Double>
  private let statistics: LatentStatistics
  /// ln p(z) − ln q(z|x), [capacity · particles]
  private let ratios: AlignedBuffer<Double>

  init(_ layer: GaussianLatent, _ site: Site) throws {
    size = layer.size
    heads = site.inputs[0]
    z = site.output
    run = site.placement.run
    let blocks = site.placement.blocks
    let rows = blocks.capacity * z.repeats
    noise = try Matrix(rows: rows, width: size)
    divergences = try AlignedBuffer(count: blocks.capacity)
    statistics = try LatentStatistics(size: size, blocks: blocks)
    ratios = try AlignedBuffer(count: rows)
  }

  var divergence: UnsafePointer<Double> { UnsafePointer(divergences.base) }

  var needsWholeBatch: Bool { run.objective.freeBits > 0 && !run.objective.isSampled }

  func apply(_ block: RowBlock, worker: Int) { draw(block, purpose: .evaluate) }

  func addForward(to plan: inout RowPlan) {
    plan.add { [self] block, _ in draw(block, purpose: .latent) }
    addClearing(to: &plan)
  }

  func addClearing(to plan: inout RowPlan) {
    plan.addForDead { [self] block, _ in _ = statistics.cleared(block) }
  }

  private func draw(_ block: RowBlock, purpose: NoisePurpose) {
    let rows = z.rows(block)
    Noise(seed: run.seed, purpose: purpose, step: run.step).normals(
      into: noise.floats(rows.row), rows: rows.live, columns: size, stride: size,
      firstRow: UInt64(rows.row))
    vt_reparameterise(
      z.values[rows.row], z.values.isBF16, divergences.base + block.row,
      statistics.cleared(block), heads.floats(block), noise.floats(rows.row), block.live, size,
      particles)
    z.publish(block)
  }

  func totals() -> UnsafePointer<Double> { statistics.totals() }

  func addLogRatio(_ block: RowBlock, to ratio: UnsafeMutablePointer<Double>) {
    let rows = z.rows(block)
    let own = ratios.base + rows.row
    vt_log_ratio(own, heads.floats(block), noise.floats(rows.row), block.live, size, particles)
    for row in 0..<block.live {
      let range = row * particles..<(row + 1) * particles
      divergences.base[block.row + row] = -range.reduce(0) { $0 + own[$1] } / Double(particles)
      for k in range { ratio[k] += own[k] }
    }
  }

  /// Gates of the divergence's gradient by dimension: 0 where the batch's mean has not used up its
  /// free nats. Needs the statistics of all blocks; every block computes the same.
  private func gates(into gate: UnsafeMutablePointer<Float>) {
    for i in 0..<size {
      gate[i] = statistics.divergence(i) / Double(run.rows) > Double(run.objective.freeBits) ? 1 : 0
    }
  }

  func freeNats() -> Double {
    let freeBits = Double(run.objective.freeBits)
    guard freeBits > 0 else { return 0 }
    let total = totals() + 2 * size
    return (0..<size).reduce(0) { $0 + max(0, freeBits - total[$1] / Double(run.rows)) }
  }

  func addBackward(to plan: inout RowPlan) {
    guard let contribution = heads.contribution() else { return }
    plan.add { [self] block, worker in
      let target = contribution.target(block, worker: worker)
      backward(block, dz: z.gradient(block, worker: worker), into: target)
      contribution.deliver(target, block, worker: worker)
    }
  }

  /// The gradient of the heads, of live rows.
  private func backward(_ block: RowBlock, dz: UnsafePointer<Float>, into delta: RowTarget) {
    let heads = heads.floats(block)
    let row = block.row * particles
    let noise = noise.floats(row)
    let weight = run.beta / Float(run.rows)
    if run.objective.isSampled, let shares = run.shares {
      vt_log_ratio_backward(
        delta.base, delta.isBF16, dz, heads, noise, shares + row, block.live, size, particles,
        weight)
    } else if run.objective.freeBits > 0 {
      withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { gate in
        guard let gate = gate.baseAddress else { return }
        gates(into: gate)
        vt_reparameterise_backward(
          delta.base, delta.isBF16, dz, heads, noise, gate, block.live, size, particles, weight)
      }
    } else {
      vt_reparameterise_backward(
        delta.base, delta.isBF16, dz, heads, noise, nil, block.live, size, particles, weight)
    }
  }
}
