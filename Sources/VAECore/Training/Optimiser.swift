import CKernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Which rule changes the parameters, with its constants. The rules are PyTorch's.
public struct OptimiserOptions: Codable, Sendable, Equatable {
  public enum Rule: String, Codable, Sendable, CaseIterable {
    /// Kingma and Ba, "Adam: a method for stochastic optimization", 2015.
    case adam
    /// Loshchilov and Hutter, "Decoupled weight decay regularization", 2019.
    case adamw
    /// Hinton's, with α = 0.99.
    case rmsprop
    /// Gradient descent, with momentum where that is not 0.
    case sgd
  }

  public var rule = Rule.adam
  public var learningRate = 1e-3
  public var beta1 = 0.9
  public var beta2 = 0.999
  /// Added to the root of Adam and RMSprop.
  public var epsilon = 1e-8
  public var momentum = 0.0
  public var nesterov = false
  /// L2, or with `adamw` decoupled.
  public var weightDecay = 0.0
  /// The norm that gradients are scaled down to where they exceed it; nil for none.
  public var clipNorm: Double?

  public init() {}
}

/// Changes parameters by their gradients as these arrive, while they are in cache; with a norm to
/// clip to, once all have arrived.
package final class Optimiser: GradientSink {
  private static let alpha: Float = 0.99

  private let store: ParameterStore
  private let options: OptimiserOptions
  /// The running means of the gradient (Adam, or momentum) and of its square.
  package let first: AlignedBuffer<Float>
  package let second: AlignedBuffer<Float>
  private let norms: AlignedBuffer<Double>
  private var step = vt_step()
  private var constants = vt_adam_constants()

  /// - Parameter tasks: the most tasks that gradients come from in one phase.
  /// - Throws: `ComputeError.outOfMemory`.
  package init(_ store: ParameterStore, options: OptimiserOptions, tasks: Int) throws {
    self.store = store
    self.options = options
    norms = try AlignedBuffer(count: tasks)
    let count = store.values.count
    let momentum = options.rule == .sgd || options.rule == .adam || options.rule == .adamw
    first = try AlignedBuffer(count: momentum ? count : 0)
    second = try AlignedBuffer(count: options.rule == .sgd ? 0 : count)
  }

  /// Makes ready for step `number` (1, 2, …) of that learning rate.
  package func begin(step number: Int, learningRate: Double) {
    let adam = options.rule == .adam || options.rule == .adamw
    let t = Double(number)
    let rate = adam ? learningRate / (1 - pow(options.beta1, t)) : learningRate
    let decoupled = options.rule == .adamw
    step = vt_step(
      scale: 1, rate: Float(rate), decay: decoupled ? 0 : Float(options.weightDecay))
    constants = vt_adam_constants(
      beta1: Float(options.beta1), beta2: Float(options.beta2),
      inverse_root: Float(1 / (1 - pow(options.beta2, t)).squareRoot()),
      epsilon: Float(options.epsilon),
      shrink: decoupled ? Float(learningRate * options.weightDecay) : 0)
    norms.buffer.update(repeating: 0)
  }

  package func accept(
    _ gradient: UnsafeMutablePointer<Float>, offset: Int, count: Int, task: Int
  ) {
    var at = offset
    let end = offset + count
    for frozen in store.frozen where frozen.upperBound > at && frozen.lowerBound < end {
      update(at, max(0, frozen.lowerBound - at), gradient + (at - offset), task)
      at = min(frozen.upperBound, end)
    }
    update(at, end - at, gradient + (at - offset), task)
    store.changed(offset..<end)
  }

  /// The norm of the gradient of the step that ended, of parameters that are not frozen; not
  /// finite where a value was not.
  package var gradientNorm: Double { norms.buffer.reduce(0, +).squareRoot() }

  fileprivate func scale(by factor: Float) { step.scale = factor }

  private func update(
    _ offset: Int, _ count: Int, _ gradient: UnsafeMutablePointer<Float>, _ task: Int
  ) {
    guard count > 0 else { return }
    let p = store.values.base + offset
    let copy = store.copy.map { $0.base + offset }
    let sum =
      switch options.rule {
      case .adam, .adamw:
        vt_adam(
          p, first.base + offset, second.base + offset, copy, gradient, count, step, constants)
      case .rmsprop:
        vt_rmsprop(
          p, second.base + offset, copy, gradient, count, step, Self.alpha, constants.epsilon)
      case .sgd:
        vt_sgd(
          p, first.base + offset, copy, gradient, count, step, Float(options.momentum),
          options.nesterov ? 1 : 0)
      }
    norms.base[task] += sum
  }
}

/// The phases that turn a batch's gradients into a step.
package final class Update {
  package let optimiser: Optimiser
  package let phases: [ParallelTasks]
  private let clipped: ClippedGradient?

  package init(_ graph: TrainingGraph, store: ParameterStore, options: OptimiserOptions) throws {
    guard let clipNorm = options.clipNorm else {
      let optimiser = try Optimiser(store, options: options, tasks: graph.gradientTaskCount)
      self.optimiser = optimiser
      clipped = nil
      phases = graph.gradients(into: optimiser)
      return
    }
    let gradient = try ClippedGradient(store, tasks: graph.gradientTaskCount, norm: clipNorm)
    let optimiser = try Optimiser(store, options: options, tasks: graph.gradientTaskCount)
    self.optimiser = optimiser
    clipped = gradient
    phases = graph.gradients(into: gradient) + gradient.apply(to: optimiser)
  }

  package func begin(step: Int, learningRate: Double) {
    clipped?.begin()
    optimiser.begin(step: step, learningRate: learningRate)
  }

  /// The norm of the whole gradient before any clipping.
  package var gradientNorm: Double { clipped?.total ?? optimiser.gradientNorm }
}

/// Holds a whole gradient back until its norm is known.
private final class ClippedGradient: GradientSink {
  private let store: ParameterStore
  private let gradient: AlignedBuffer<Float>
  private let norms: AlignedBuffer<Double>
  /// What each task has given.
  private let runs: UnsafeMutableBufferPointer<[Range<Int>]>
  private let norm: Double

  init(_ store: ParameterStore, tasks: Int, norm: Double) throws {
    self.store = store
    self.norm = norm
    gradient = try AlignedBuffer(count: store.values.count)
    norms = try AlignedBuffer(count: tasks)
    runs = .allocate(capacity: tasks)
    runs.initialize(repeating: [])
  }

  deinit {
    runs.deinitialize()
    runs.deallocate()
  }

  var total: Double { norms.buffer.reduce(0, +).squareRoot() }

  func begin() {
    norms.buffer.update(repeating: 0)
    for task in runs.indices { runs[task].removeAll(keepingCapacity: true) }
  }

  func accept(_ from: UnsafeMutablePointer<Float>, offset: Int, count: Int, task: Int) {
    let to = gradient.base + offset
    to.update(from: from, count: count)
    for frozen in store.frozen {
      let run = frozen.clamped(to: offset..<offset + count)
      (gradient.base + run.lowerBound).update(repeating: 0, count: run.count)
    }
    norms.base[task] += (0..<count).reduce(0) { $0 + Double(to[$1]) * Double(to[$1]) }
    runs[task].append(offset..<offset + count)
  }

  /// Scales as PyTorch's clip_grad_norm_ does, by norm / (total + 10⁻⁶) where that is below 1.
  func apply(to optimiser: Optimiser) -> [ParallelTasks] {
    [
      ParallelTasks(tasks: 1) { [self] _, _ in
        optimiser.scale(by: Float(min(1, norm / (total + 1e-6))))
      },
      ParallelTasks(tasks: runs.count) { [self] task, _ in
        for run in runs[task] {
          optimiser.accept(
            gradient.base + run.lowerBound, offset: run.lowerBound, count: run.count, task: task)
        }
      },
    ]
  }
}
