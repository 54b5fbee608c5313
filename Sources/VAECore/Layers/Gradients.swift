/// Takes the gradient of a run of parameters as soon as it is known, while it is in cache.
public protocol GradientSink: AnyObject {
  /// `gradient` holds `count` values, for the parameters from `offset` in the store on. Called by
  /// several workers at once, for runs that do not overlap; `task` numbers the call's phase task.
  func take(offset: Int, count: Int, gradient: UnsafeMutablePointer<Float>, task: Int)
}

/// One piece of the gradient phase; dearer ones are begun first.
package struct GradientTask {
  package let cost: Int
  package let body: (_ sink: any GradientSink, _ task: Int, _ worker: Int) -> Void
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
