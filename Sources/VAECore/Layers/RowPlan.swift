/// The rows that one task works on. Fixed by the batch size alone, never by the number of workers.
public struct RowBlocks: Sendable {
  public let size: Int
  public let count: Int
  /// Rows in all, dead ones at the end included.
  public var capacity: Int { size * count }

  /// At least `rows` rows in equal blocks, an even number in each where there are several. A block
  /// has 64 rows at most where each stands for `particles`, and small batches, too, make several
  /// where they can, for several workers.
  public init(rows: Int, particles: Int = 1) {
    let most = max(1, max(16, min(64, rows * particles / 4)) / particles)
    count = max(1, (rows + most - 1) / most)
    let even = (rows + count - 1) / count
    size = count == 1 ? even : even + even % 2  // rows are paired inside blocks
  }

  /// As many blocks, each of that size.
  public init(count: Int, size: Int) {
    self.count = count
    self.size = size
  }

  /// The same blocks where each row stands for `particles` rows.
  public func times(_ particles: Int) -> RowBlocks {
    RowBlocks(count: count, size: size * particles)
  }
}

/// One block of a batch. Rows past `live` are dead: they take part in multiplications, with zero
/// gradients, so that a short batch needs no other code than a full one.
public struct RowBlock {
  public let index: Int
  /// The first row.
  public let row: Int
  public let size: Int
  public let live: Int

  /// The same block where each row stands for `particles` rows.
  public func times(_ particles: Int) -> RowBlock {
    RowBlock(index: index, row: row * particles, size: size * particles, live: live * particles)
  }

  /// The rows past the live ones.
  public var dead: Range<Int> { row + live..<row + size }
}

/// A pass over a batch: operations that follow one another on a block of rows, with barriers where
/// every block must have come so far.
public struct RowPlan {
  public typealias Operation = (_ block: RowBlock, _ worker: Int) -> Void

  private var stages: [[Operation]] = [[]]
  private var forDead: [Operation] = []

  public init() {}

  public mutating func add(_ operation: @escaping Operation) {
    stages[stages.count - 1].append(operation)
  }

  /// What is done to a block without any live row, in place of all the rest.
  public mutating func addForDead(_ operation: @escaping Operation) {
    forDead.append(operation)
  }

  public mutating func barrier() {
    if !stages[stages.count - 1].isEmpty { stages.append([]) }
  }

  /// The plan as phases. `rows` says how many rows of the batch are live.
  public func phases(_ blocks: RowBlocks, rows: @escaping () -> Int) -> [ParallelTasks] {
    stages.enumerated().map { stage, operations in
      let dead = stage == 0 ? forDead : []
      return ParallelTasks(tasks: blocks.count) { task, worker in
        let row = task * blocks.size
        let live = max(0, min(blocks.size, rows() - row))
        let block = RowBlock(index: task, row: row, size: blocks.size, live: live)
        for operation in live > 0 ? operations : dead { operation(block, worker) }
      }
    }
  }
}
