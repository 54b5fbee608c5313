import CKernels

/// −ln p(label), a term of the loss: of logits [classes] and the column of labels.
public struct CrossEntropyTerm: TermLayer {
  public init() {}

  public var term: String { "classifier" }
  public func place(_ site: Site) throws -> any PlacedTerm { try PlacedCrossEntropy(site) }
}

private final class PlacedCrossEntropy: PlacedTerm {
  let repeats = 1
  private let logits: EdgeMemory
  private let contribution: GradientContribution?
  /// [capacity]
  private let rowLosses: AlignedBuffer<Double>

  init(_ site: Site) throws {
    logits = site.inputs[0]
    contribution = logits.contribution()
    rowLosses = try AlignedBuffer(count: site.placement.blocks.capacity)
  }

  var losses: UnsafePointer<Double> { UnsafePointer(rowLosses.base) }

  /// The logits of the block become probabilities.
  func score(_ block: RowBlock, columns: BatchColumns, scale: Float?, worker: Int) {
    let (p, classes) = (logits.floats(block), logits.width)
    columns.withLabels(block) { labels in
      vt_softmax(p, rowLosses.base + block.row, labels, block.live, classes)
      guard let scale, let contribution else { return }
      let target = contribution.target(block, worker: worker)
      vt_softmax_delta(target.base, target.isBF16, p, labels, block.live, classes, scale)
      contribution.deliver(target, block, worker: worker)
    }
  }

  func weigh(_ block: RowBlock, by shares: UnsafePointer<Float>, worker: Int) {
    guard let target = contribution?.target(block, worker: worker) else { return }
    vt_scale_rows(target.base, target.isBF16, shares, block.live, logits.width)
  }
}
