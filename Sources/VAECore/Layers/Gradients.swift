/// Receives the gradient of a run of parameters as soon as it is known, while it is in cache.
public protocol GradientSink: AnyObject {
  /// `gradient` holds `count` values, for the parameters from `offset` in the store on. It is valid
  /// during the call, and may be overwritten. Called by several workers at once, for runs that do
  /// not overlap; `task` numbers the task of the phase.
  func accept(_ gradient: UnsafeMutablePointer<Float>, offset: Int, count: Int, task: Int)
}

/// One piece of the gradient phase: the gradients of some parameters, over the whole batch.
public struct GradientTask {
  /// About how many multiplications it takes, to start the most expensive tasks first.
  public let cost: Int
  /// The matrices that its products sum over the rows of.
  public var factors: [Matrix] = []
  /// What must have ended before any task begins.
  public var parts: [Part] = []
  public let body: (_ sink: any GradientSink, _ task: Int, _ worker: Int) -> Void

  /// Work on a part of the batch.
  public typealias Part = (cost: Int, body: (_ worker: Int) -> Void)

  public init(
    cost: Int, factors: [Matrix] = [], parts: [Part] = [],
    body: @escaping (_ sink: any GradientSink, _ task: Int, _ worker: Int) -> Void
  ) {
    self.cost = cost
    self.factors = factors
    self.parts = parts
    self.body = body
  }
}

/// How the gradients of a model's parameters come about.
struct GradientPlan {
  private let tasks: [GradientTask]
  private let parts: [GradientTask.Part]

  /// Starts the most expensive tasks first, so that no worker idles at the end of the phase.
  init(_ tasks: [GradientTask]) {
    self.tasks = tasks.sorted { $0.cost > $1.cost }
    var paired: [Matrix] = []
    for matrix in tasks.flatMap(\.factors)
    where matrix.hasPairs && !paired.contains(where: { $0 === matrix }) { paired.append(matrix) }
    let pairing = paired.flatMap { matrix in
      stride(from: 0, to: matrix.rows, by: 32).map { first -> GradientTask.Part in
        let rows = first..<min(first + 32, matrix.rows)
        return (rows.count * matrix.width, { _ in matrix.pairRows(rows) })
      }
    }
    parts = tasks.flatMap(\.parts).sorted { $0.cost > $1.cost } + pairing
  }

  var count: Int { tasks.count }

  func phases(into sink: any GradientSink) -> [ParallelTasks] {
    let (tasks, parts) = (tasks, parts)
    let prepare = ParallelTasks(tasks: parts.count) { task, worker in parts[task].body(worker) }
    let learn = ParallelTasks(tasks: tasks.count) { task, worker in
      tasks[task].body(sink, task, worker)
    }
    return parts.isEmpty ? [learn] : [prepare, learn]
  }
}

/// A block of f32 memory for each worker, sized before the first step by what the layers reserve.
/// Its contents last until the worker's next operation.
public final class WorkerScratch {
  private var buffers: [AlignedBuffer<Float>]

  package init(workers: Int) throws {
    buffers = try (0..<workers).map { _ in try AlignedBuffer(count: 0) }
  }

  /// Makes the blocks hold at least `count` values. What they held is lost.
  ///
  /// - Throws: `ComputeError.outOfMemory`.
  public func reserve(_ count: Int) throws {
    for i in buffers.indices where buffers[i].count < count {
      buffers[i] = try AlignedBuffer(count: count)
    }
  }

  public subscript(worker: Int) -> UnsafeMutablePointer<Float> { buffers[worker].base }
}
