/// Sums over the rows of a batch of what a latent's dimensions carry: of the posterior means, of
/// their squares, of the divergence. Kept by block and added in the order of the blocks.
final class LatentStatistics {
  private let size: Int
  private let blocks: Int
  /// [blocks + 1, 3, size]; the last row holds the totals.
  private let sums: AlignedBuffer<Double>

  init(size: Int, blocks: RowBlocks) throws {
    self.size = size
    self.blocks = blocks.count
    sums = try AlignedBuffer(count: (blocks.count + 1) * 3 * size)
  }

  /// The sums of a block, [3, size], set to zero.
  func cleared(_ block: RowBlock) -> UnsafeMutablePointer<Double> {
    let own = sums.base + block.index * 3 * size
    own.update(repeating: 0, count: 3 * size)
    return own
  }

  /// The sums of all blocks, [3, size]. Valid until the next call.
  func totals() -> UnsafePointer<Double> {
    let total = sums.base + blocks * 3 * size
    total.update(repeating: 0, count: 3 * size)
    for block in 0..<blocks {
      for i in 0..<3 * size { total[i] += sums.base[block * 3 * size + i] }
    }
    return UnsafePointer(total)
  }

  /// The divergence of dimension `i`, over the rows of all blocks. Several workers may ask at once.
  func divergence(_ i: Int) -> Double {
    (0..<blocks).reduce(0) { $0 + sums.base[$1 * 3 * size + 2 * size + i] }
  }
}
