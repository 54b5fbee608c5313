import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The Gaussian latent layer of a batch: z = μ + e^(v/2)·ε with the divergence from the standard
/// normal, `particles` draws a row. The log-variance v is clamped to [−30, 20].
final class GaussianLatent {
  let size: Int
  let particles: Int
  /// Rows of [μ | v]; of a plain autoencoder, of codes.
  let heads: Matrix
  let headsDelta: Matrix
  private let noise: Matrix
  /// Σμ, Σμ², Σ divergence by dimension, for each block and then in all.
  private let statistics: AlignedBuffer<Double>
  /// ln p(z) − ln q(z|x) of each particle.
  private let ratio: AlignedBuffer<Double>
  /// What each particle counts for in the gradient; they add up to 1 over a row.
  private let share: AlignedBuffer<Float>
  private let blocks: RowBlocks

  /// - Parameter plain: heads are codes, without noise or divergence.
  init(
    size: Int, plain: Bool, particles: Int, precision: Precision, blocks: RowBlocks
  ) throws {
    self.size = size
    self.particles = particles
    self.blocks = blocks
    heads = try Matrix(rows: blocks.capacity, width: plain ? size : 2 * size)
    headsDelta = try Matrix(rows: blocks.capacity, width: heads.width, precision: precision)
    noise = try Matrix(rows: blocks.capacity * particles, width: size)
    statistics = try AlignedBuffer(count: (blocks.count + 1) * 3 * size)
    ratio = try AlignedBuffer(count: blocks.capacity * particles)
    share = try AlignedBuffer(count: blocks.capacity * particles)
  }

  /// Draws z for a block and computes the divergence of its rows.
  func forward(
    _ block: RowBlock, noise source: Noise, into z: Matrix,
    divergence: UnsafeMutablePointer<Double>
  ) {
    let first = block.row * particles
    source.normals(
      into: noise.floats(first), rows: block.live * particles, columns: size, stride: size,
      firstRow: UInt64(first))
    let sums = statistics.base + block.index * 3 * size
    sums.update(repeating: 0, count: 3 * size)
    vt_reparameterise(
      z[first], z.isBF16, divergence + block.row, sums, heads.floats(block.row),
      noise.floats(first), block.live, size, particles)
  }

  /// Codes as they are, for a plain autoencoder.
  func takeCodes(_ block: RowBlock, into z: Matrix) {
    let codes = heads.floats(block.row)
    z.store(codes, row: block.row, rows: block.size)
    let sums = statistics.base + block.index * 3 * size
    sums.update(repeating: 0, count: 3 * size)
    for row in 0..<block.live {
      for i in 0..<size {
        let code = Double(codes[row * size + i])
        sums[i] += code
        sums[size + i] += code * code
      }
    }
  }

  func clearStatistics(_ block: RowBlock) {
    (statistics.base + block.index * 3 * size).update(repeating: 0, count: 3 * size)
  }

  /// The statistics of all blocks, in their order.
  func totals() -> UnsafePointer<Double> {
    let total = statistics.base + blocks.count * 3 * size
    total.update(repeating: 0, count: 3 * size)
    for block in 0..<blocks.count {
      for i in 0..<3 * size { total[i] += statistics.base[block * 3 * size + i] }
    }
    return UnsafePointer(total)
  }

  /// Combines what the particles of a block's rows came to: the objective of each row, the
  /// divergence at the draws, and the particles' shares in the gradient.
  ///
  /// - Parameter losses: −log p(x|z), a particle.
  func combine(
    _ block: RowBlock, losses: UnsafePointer<Double>, beta: Double, importanceWeighted: Bool,
    objective: UnsafeMutablePointer<Double>, divergence: UnsafeMutablePointer<Double>
  ) {
    vt_log_ratio(
      ratio.base + block.row * particles, heads.floats(block.row),
      noise.floats(block.row * particles), block.live, size, particles)
    for row in block.row..<block.row + block.live {
      let range = row * particles..<(row + 1) * particles
      divergence[row] = -range.reduce(0) { $0 + ratio.base[$1] } / Double(particles)
      if importanceWeighted {
        let highest = range.reduce(-Double.infinity) { max($0, beta * ratio.base[$1] - losses[$1]) }
        let sum = range.reduce(0) { $0 + exp(beta * ratio.base[$1] - losses[$1] - highest) }
        objective[row] = -(highest + log(sum / Double(particles)))
        for k in range {
          share.base[k] = Float(exp(beta * ratio.base[k] - losses[k] - highest) / sum)
        }
      } else {
        let mean = range.reduce(0) { $0 + losses[$1] } / Double(particles)
        objective[row] = mean + beta * divergence[row]
        for k in range { share.base[k] = 1 / Float(particles) }
      }
    }
  }

  /// What the particles of a block count for, after `combine`.
  func shares(_ block: RowBlock) -> UnsafePointer<Float> {
    UnsafePointer(share.base + block.row * particles)
  }

  /// Gates of the divergence's gradient by dimension: 0 where the batch's mean has not used up its
  /// free nats. Needs the statistics of all blocks; every block computes the same.
  func gates(above freeBits: Float, rows: Int, into gate: UnsafeMutablePointer<Float>) {
    for i in 0..<size {
      let sum = (0..<blocks.count).reduce(0) {
        $0 + statistics.base[$1 * 3 * size + 2 * size + i]
      }
      gate[i] = sum / Double(rows) > Double(freeBits) ? 1 : 0
    }
  }

  /// What free bits add to a row's objective: the nats below each dimension's allowance.
  func freeNats(below freeBits: Float, rows: Int) -> Double {
    let total = totals() + 2 * size
    return (0..<size).reduce(0) { $0 + max(0, Double(freeBits) - total[$1] / Double(rows)) }
  }

  /// What particle `particle` of the batch counts for, after `combine`.
  func share(_ particle: Int) -> Float { share.base[particle] }

  /// The gradient of the heads from `dz`, the gradient of z.
  ///
  /// - Parameters:
  ///   - sampled: the divergence was taken at the draws, by `combine`.
  ///   - freeBits: as the objective has them, of a batch of `rows` rows.
  ///   - weight: of the divergence.
  func backward(
    _ block: RowBlock, dz: UnsafePointer<Float>, sampled: Bool, freeBits: Float, rows: Int,
    weight: Float
  ) {
    let heads = heads.floats(block.row)
    let noise = noise.floats(block.row * particles)
    let delta = headsDelta[block.row]
    if sampled {
      vt_log_ratio_backward(
        delta, headsDelta.isBF16, dz, heads, noise, shares(block), block.live, size, particles,
        weight)
    } else if freeBits > 0 {
      withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { gate in
        guard let gate = gate.baseAddress else { return }
        gates(above: freeBits, rows: rows, into: gate)
        vt_reparameterise_backward(
          delta, headsDelta.isBF16, dz, heads, noise, gate, block.live, size, particles, weight)
      }
    } else {
      vt_reparameterise_backward(
        delta, headsDelta.isBF16, dz, heads, noise, nil, block.live, size, particles, weight)
    }
    headsDelta.clear(block.dead)
  }
}
