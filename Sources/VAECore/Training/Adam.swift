import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Updates parameters from their gradients as these arrive.
package protocol Optimiser: GradientSink {
  /// Makes ready for step `step` (1, 2, …) of that learning rate.
  func begin(step: Int, learningRate: Double)
  /// The squared norm of the gradient of the step that ended; not finite where a value was not.
  var squaredNorm: Double { get }
}

/// Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015) with PyTorch's
/// conventions: the corrections in Double, ε outside the square root.
package final class Adam: Optimiser {
  private let store: ParameterStore
  private let beta1 = 0.9
  private let beta2 = 0.999
  private let epsilon = 1e-8
  /// The running means of the gradient and of its square.
  package let first: AlignedBuffer<Float>
  package let second: AlignedBuffer<Float>
  private var step = vt_adam_step()
  private let norms: AlignedBuffer<Double>

  /// - Parameter tasks: the most tasks that gradients come from in one phase.
  /// - Throws: `ComputeError.outOfMemory`.
  package init(_ store: ParameterStore, tasks: Int) throws {
    self.store = store
    norms = try AlignedBuffer(count: tasks)
    first = try AlignedBuffer(count: store.values.count)
    second = try AlignedBuffer(count: store.values.count)
  }

  package func begin(step: Int, learningRate: Double) {
    self.step = vt_adam_step(
      beta1: Float(beta1), beta2: Float(beta2),
      step_size: Float(learningRate / (1 - pow(beta1, Double(step)))),
      inverse_root: Float(1 / (1 - pow(beta2, Double(step))).squareRoot()),
      epsilon: Float(epsilon))
    norms.buffer.update(repeating: 0)
  }

  package func take(
    offset: Int, count: Int, gradient: UnsafeMutablePointer<Float>, task: Int
  ) {
    let sum = vt_adam(
      store.values.base + offset, first.base + offset, second.base + offset,
      store.copy.map { $0.base + offset }, gradient, count, step)
    norms.base[task] += sum
  }

  package var squaredNorm: Double { norms.buffer.reduce(0, +) }
}
