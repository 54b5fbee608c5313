/// A part of the loss: what it computes of edges of the network, for each row.
public protocol TermLayer: Layer {
  /// The name in logs and records: `reconstruction`, `classifier`, …
  var term: String { get }
  func place(_ site: Site) throws -> any PlacedTerm
}

extension TermLayer {
  public func outputShape(_ inputs: [[Int]]) -> [Int] { [] }
  public func place(_ site: Site) throws -> any PlacedLayer {
    let term: any PlacedTerm = try place(site)
    return term
  }
}

/// A term with its memory. It has no forward pass of its own: `score` is called for each block once
/// all layers have computed their outputs.
public protocol PlacedTerm: PlacedLayer {
  /// Rows of the term for each row of the batch.
  var repeats: Int { get }
  /// What the batch came to, in nats, [capacity · repeats]. Valid while the term lives.
  var losses: UnsafePointer<Double> { get }
  /// Computes the losses of a block.
  ///
  /// - Parameters:
  ///   - columns: the rows of the batch.
  ///   - scale: of the gradient by the edges, which is computed too; nil for the losses alone.
  func score(_ block: RowBlock, columns: BatchColumns, scale: Float?, worker: Int)
  /// Multiplies the gradient of the block's row k by `shares[k]`.
  func weigh(_ block: RowBlock, by shares: UnsafePointer<Float>, worker: Int)
}

extension PlacedTerm {
  public func apply(_ block: RowBlock, worker: Int) {}
  public func addForward(to plan: inout RowPlan) {}
  public func addBackward(to plan: inout RowPlan) throws {}
}
