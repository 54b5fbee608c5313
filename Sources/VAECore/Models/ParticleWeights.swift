#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the particles of a batch come to where the divergence is taken at the draws: the objective
/// of each row, and what each particle counts for in the gradient.
final class ParticleWeights {
  private let particles: Int
  /// ln p(z) − ln q(z|x) of each particle, over all latents; [capacity · particles].
  private let ratios: AlignedBuffer<Double>
  /// [capacity · particles]; they add up to 1 over a row.
  private let ownShares: AlignedBuffer<Float>

  init(_ capacity: Int, particles: Int) throws {
    self.particles = particles
    ratios = try AlignedBuffer(count: capacity * particles)
    ownShares = try AlignedBuffer(count: capacity * particles)
  }

  /// [capacity · particles]. Valid while the weights live.
  var shares: UnsafePointer<Float> { UnsafePointer(ownShares.base) }

  /// Weighs the particles of a block's live rows. The importance-weighted objective of a row is
  /// −ln mean exp(β·ratio − loss); that of the evidence lower bound the caller knows already.
  func combine(
    _ block: RowBlock, terms: [any PlacedTerm], latents: [any PlacedLatent], run: RunState,
    objective: UnsafeMutablePointer<Double>
  ) {
    let first = ratios.base + block.row * particles
    first.update(repeating: 0, count: block.live * particles)
    for latent in latents { latent.addLogRatio(block, to: first) }
    let beta = Double(run.beta)
    let shares = ownShares.base
    func loss(_ k: Int) -> Double { terms.reduce(0) { $0 + $1.losses[k] } }
    for row in block.row..<block.row + block.live {
      let range = row * particles..<(row + 1) * particles
      guard run.objective.importanceWeighted else {
        for k in range { shares[k] = 1 / Float(particles) }
        continue
      }
      let weight = { [ratios] (k: Int) in beta * ratios.base[k] - loss(k) }
      let highest = range.reduce(-Double.infinity) { max($0, weight($1)) }
      let sum = range.reduce(0) { $0 + exp(weight($1) - highest) }
      objective[row] = -(highest + log(sum / Double(particles)))
      for k in range { shares[k] = Float(exp(weight(k) - highest) / sum) }
    }
  }
}
