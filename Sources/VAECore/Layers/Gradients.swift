/// Takes the gradient of a run of parameters as soon as it is known, while it is in cache.
public protocol GradientSink: AnyObject {
  /// `gradient` holds `count` values, for the parameters from `offset` in the store on. Called by
  /// several workers at once, for runs that do not overlap; `task` numbers the call's phase task.
  func take(offset: Int, count: Int, gradient: UnsafeMutablePointer<Float>, task: Int)
}

/// One piece of the gradient phase.
package struct GradientTask {
  package let cost: Int
  /// The matrices it reads.
  package var factors: [Matrix] = []
  package let body: (_ sink: any GradientSink, _ task: Int, _ worker: Int) -> Void
}

/// How the gradients of a model's parameters come about.
struct GradientPlan {
  private let tasks: [GradientTask]
  private let pairing: [(matrix: Matrix, rows: Range<Int>)]

  /// Dearer tasks are begun first.
  init(_ tasks: [GradientTask]) {
    self.tasks = tasks.sorted { $0.cost > $1.cost }
    var paired: [Matrix] = []
    for matrix in tasks.flatMap(\.factors)
    where matrix.hasPairs && !paired.contains(where: { $0 === matrix }) { paired.append(matrix) }
    pairing = paired.flatMap { matrix in
      stride(from: 0, to: matrix.rows, by: 32).map {
        (matrix, $0..<min($0 + 32, matrix.rows))
      }
    }
  }

  var count: Int { tasks.count }

  func phases(into sink: any GradientSink) -> [Phase] {
    let (tasks, pairing) = (tasks, pairing)
    let pair = Phase(tasks: pairing.count) { task, _ in
      pairing[task].matrix.pairRows(pairing[task].rows)
    }
    let learn = Phase(tasks: tasks.count) { task, worker in tasks[task].body(sink, task, worker) }
    return pairing.isEmpty ? [learn] : [pair, learn]
  }
}

/// A block of f32 memory for each worker, sized before the first step by what the layers reserve.
package final class WorkerScratch: @unchecked Sendable {
  private var buffers: [AlignedBuffer<Float>]

  package init(workers: Int) throws {
    buffers = try (0..<workers).map { _ in try AlignedBuffer(count: 0) }
  }

  package func reserve(_ count: Int) throws {
    for i in buffers.indices where buffers[i].count < count {
      buffers[i] = try AlignedBuffer(count: count)
    }
  }

  package subscript(worker: Int) -> UnsafeMutablePointer<Float> { buffers[worker].base }
}
