import CKernels

/// A value of a network, as the network's description knows it: a row of numbers for each row of the
/// batch, or for each particle of one.
public struct Edge: Hashable, Sendable {
  /// How many rows of the edge belong to a row of the batch.
  public enum Repeats: Hashable, Sendable {
    case one
    /// One for each draw from the posterior.
    case particles
  }

  let number: Int
  /// The shape of one row.
  public let shape: [Int]
  public let repeats: Repeats

  /// Values in a row.
  public var width: Int { shape.reduce(1, *) }
}

/// In which form a layer reads an edge, or wants the gradient of its output.
public enum ValueForm: Sendable {
  /// f32, for elementwise work.
  case floats
  /// The engine's precision, for products; of gradients, for the whole batch.
  case operand
}

/// The memory of an edge: its values for the whole batch and, in training, its gradient.
///
/// A gradient has one of three places, which the placement chooses:
/// - the worker's register, f32 [block, width], where the only consumer comes right before the
///   producer on the way back, so that nothing else needs the register in between;
/// - `delta` [capacity, width] in the engine's precision, which a producer asks for that multiplies
///   it over the whole batch, where there is one consumer;
/// - a sum [capacity, width] in f32, to which several consumers add in reverse order of placement.
public final class EdgeMemory {
  enum Gradient {
    case none
    case register(WorkerScratch)
    case delta(Matrix)
    case sum(Matrix)
  }

  /// Values in a row.
  public let width: Int
  /// Rows of the edge for each row of the batch.
  public let repeats: Int
  /// [capacity, width] as the producer writes them: f32 where some consumer reads floats.
  public let values: Matrix
  /// [capacity, width] as products read them; `values` itself where that has their type.
  public let operand: Matrix
  let gradient: Gradient
  private let workspace: WorkerScratch
  /// Where the rows of each block lie that are read in place.
  private var borrowed: [UnsafeRawPointer?]
  /// Whether nothing but products reads the values.
  private let mayBorrow: Bool
  private var contributions = 0

  init(
    width: Int, repeats: Int, values: Matrix, operand: Matrix, gradient: Gradient,
    mayBorrow: Bool, blocks: Int, workspace: WorkerScratch
  ) {
    self.mayBorrow = mayBorrow
    borrowed = Array(repeating: nil, count: blocks)
    self.width = width
    self.repeats = repeats
    self.values = values
    self.operand = operand
    self.gradient = gradient
    self.workspace = workspace
  }

  /// The block's rows of this edge.
  public func rows(_ block: RowBlock) -> RowBlock { block.times(repeats) }

  /// f32 [block, width], for an edge that some layer reads as floats.
  public func floats(_ block: RowBlock) -> UnsafeMutablePointer<Float> {
    values.floats(block.row * repeats)
  }

  /// f32 [block, width] where a worker may write values before it stores them: their own place where
  /// that is f32.
  public func draft(_ block: RowBlock, worker: Int) -> UnsafeMutablePointer<Float> {
    values.precision == .f32 ? floats(block) : workspace[worker]
  }

  /// [block, width] as products read it. Valid until the block's next batch.
  public func operand(_ block: RowBlock) -> UnsafeRawPointer {
    if let rows = borrowed[block.index] { return rows }
    return UnsafeRawPointer(operand[block.row * repeats])
  }

  /// Brings `operand` up to date after the block's `values` have changed.
  public func publish(_ block: RowBlock) {
    guard operand !== values else { return }
    let block = rows(block)
    operand.store(values.floats(block.row), row: block.row, rows: block.size)
  }

  /// Stores f32 values [block, width], which may lie in `values` already.
  public func store(_ source: UnsafePointer<Float>, _ block: RowBlock) {
    let rows = rows(block)
    if values.precision != .f32 || source != UnsafePointer(values.floats(rows.row)) {
      values.store(source, row: rows.row, rows: rows.size)
    }
    publish(block)
  }

  /// Loads the live rows of a block from outside, f32 [live, width]. Where all that read them are
  /// products in f32 and the block is whole they are read where they lie, until the next call.
  func load(_ rows: UnsafePointer<Float>, _ block: RowBlock) {
    let isBorrowed = mayBorrow && operand.precision == .f32 && block.live == block.size
    borrowed[block.index] = isBorrowed ? UnsafeRawPointer(rows) : nil
    guard !isBorrowed else { return }
    values.store(rows, row: block.row * repeats, rows: block.live * repeats)
    publish(block)
  }

  // MARK: Gradients

  /// The matrix that the gradient is left in over the whole batch, where the producer asked for it
  /// and has one consumer.
  var delta: Matrix? {
    guard case .delta(let matrix) = gradient else { return nil }
    return matrix
  }

  /// The gradient of the block, f32 [block, width], for the producer, which may overwrite it. Not
  /// for an edge with a `delta`.
  public func gradient(_ block: RowBlock, worker: Int) -> UnsafeMutablePointer<Float> {
    switch gradient {
    case .register(let register): register[worker]
    case .sum(let matrix): matrix.floats(block.row * repeats)
    case .none, .delta: preconditionFailure("the edge has no gradient in floats")
    }
  }

  /// What a consumer delivers its share of the gradient to; nil where it has none. Asked for
  /// once by each consumer, when the way back is planned.
  public func contribution() -> GradientContribution? {
    if case .none = gradient { return nil }
    defer { contributions += 1 }
    return GradientContribution(edge: self, isFirst: contributions == 0, workspace: workspace)
  }
}

/// The share of one consumer in the gradient of an edge.
public struct GradientContribution {
  let edge: EdgeMemory
  let isFirst: Bool
  let workspace: WorkerScratch

  /// f32 [block, width] where the share may be written before it is delivered.
  public func destination(_ block: RowBlock, worker: Int) -> UnsafeMutablePointer<Float> {
    let row = block.row * edge.repeats
    switch edge.gradient {
    case .register(let register): return register[worker]
    case .delta(let matrix) where matrix.precision == .f32: return matrix.floats(row)
    case .sum(let matrix) where isFirst: return matrix.floats(row)
    default: return workspace[worker]
    }
  }

  /// Adds f32 values [block, width], which may lie at `destination`.
  public func deliver(_ values: UnsafeMutablePointer<Float>, _ block: RowBlock, worker: Int) {
    let rows = edge.rows(block)
    let count = rows.size * edge.width
    switch edge.gradient {
    case .none: break
    case .register(let register):
      if values != register[worker] { register[worker].update(from: values, count: count) }
    case .delta(let matrix):
      if matrix.precision != .f32 || values != matrix.floats(rows.row) {
        matrix.store(values, row: rows.row, rows: rows.size)
      }
      matrix.clear(rows.dead)
    case .sum(let matrix):
      let sum = matrix.floats(rows.row)
      if !isFirst {
        vt_add(sum, values, count)
      } else if values != sum {
        sum.update(from: values, count: count)
      }
    }
  }

  /// Where a kernel that writes either type may put the whole share [block, width].
  public func target(_ block: RowBlock, worker: Int) -> RowTarget {
    guard case .delta(let matrix) = edge.gradient else {
      return RowTarget(
        base: UnsafeMutableRawPointer(destination(block, worker: worker)), isBF16: 0)
    }
    return RowTarget(base: matrix[block.row * edge.repeats], isBF16: matrix.isBF16)
  }

  /// Ends what was written to `target`.
  public func deliver(_ target: RowTarget, _ block: RowBlock, worker: Int) {
    if case .delta(let matrix) = edge.gradient {
      matrix.clear(edge.rows(block).dead)
    } else {
      deliver(target.base.assumingMemoryBound(to: Float.self), block, worker: worker)
    }
  }
}

/// Rows in f32 or bf16 that a kernel writes.
public struct RowTarget {
  public let base: UnsafeMutableRawPointer
  /// 1 where the values are bf16, else 0.
  public let isBF16: Int32

  /// Stores f32 values from the first on.
  func store(_ values: UnsafePointer<Float>, count: Int) {
    if isBF16 == 1 {
      vt_bf16_from_f32(base.assumingMemoryBound(to: UInt16.self), values, count)
    } else {
      base.assumingMemoryBound(to: Float.self).update(from: values, count: count)
    }
  }
}
