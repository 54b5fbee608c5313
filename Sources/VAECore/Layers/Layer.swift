/// A part of a network: what it computes, without the memory that this takes. A value, so that an
/// architecture can name it, a network keep it, and each placement lay it out again.
public protocol Layer: Sendable {
  /// The shape of a row of the output from those of the inputs.
  ///
  /// - Throws: where such inputs do not fit the layer.
  func outputShape(_ inputs: [[Int]]) throws -> [Int]
  /// The parameters, in the order of the file, for inputs of those shapes.
  func parameters(_ inputs: [[Int]]) -> [ParameterSpec]
  /// How many rows the output has for each row of the inputs, which have `repeats`.
  func repeats(_ inputs: [Edge.Repeats]) -> Edge.Repeats
  /// In which form it reads its inputs.
  var reads: ValueForm { get }
  /// In which form it wants the gradient of its output.
  var gradient: ValueForm { get }
  /// Whether the output takes the memory of the first input, where nothing else reads that.
  func isInPlace(training: Bool) -> Bool
  /// The layer with that activation behind it as one operation; nil where it has none such.
  func fused(with activation: Activation) -> (any Layer)?
  /// The layer with its memory.
  ///
  /// - Throws: `ComputeError`.
  func place(_ site: Site) throws -> any PlacedLayer
}

extension Layer {
  public func outputShape(_ inputs: [[Int]]) throws -> [Int] { inputs[0] }
  public func parameters(_ inputs: [[Int]]) -> [ParameterSpec] { [] }
  public func repeats(_ inputs: [Edge.Repeats]) -> Edge.Repeats {
    inputs.contains(.particles) ? .particles : .one
  }
  public var reads: ValueForm { .floats }
  public var gradient: ValueForm { .floats }
  public func isInPlace(training: Bool) -> Bool { false }
  public func fused(with activation: Activation) -> (any Layer)? { nil }
}

/// A layer laid out for blocks of rows. Several workers call it at once, for different blocks.
public protocol PlacedLayer: AnyObject {
  /// The output of a block as a trained model computes it.
  func apply(_ block: RowBlock, worker: Int)
  /// Adds the forward pass of training to the plan; as `apply` unless said otherwise.
  func addForward(to plan: inout RowPlan)
  /// Adds the way back, from the gradient of the output to those of the inputs.
  func addBackward(to plan: inout RowPlan) throws
  /// What computes the gradients of the parameters, after the way back.
  func gradientTasks() throws -> [GradientTask]
}

extension PlacedLayer {
  public func addForward(to plan: inout RowPlan) {
    plan.add { [self] block, worker in apply(block, worker: worker) }
  }
  public func gradientTasks() throws -> [GradientTask] { [] }
}

/// Where a layer stands in a placement.
public struct Site {
  public let inputs: [EdgeMemory]
  /// nil for a term of the loss, which has no output.
  let outputEdge: EdgeMemory?
  public let placement: Placement

  /// The memory of the output, of a layer that has one.
  public var output: EdgeMemory {
    guard let outputEdge else { preconditionFailure("a term has no output") }
    return outputEdge
  }

  /// Where the parameter of that name begins in the store; gradients are handed on under it.
  public func parameter(_ name: String) -> Int { placement.store.offset(of: name) }

  /// The values of that parameter, row-major. Valid while the store lives; training changes them.
  public func values(_ name: String) -> UnsafePointer<Float> {
    UnsafePointer(placement.store.values.base + parameter(name))
  }
}

/// How a network is laid out.
public struct Placement {
  public let store: ParameterStore
  /// What products read.
  public let precision: Precision
  /// Rows of the batch.
  public let blocks: RowBlocks
  /// Draws from the posterior for each row.
  public let particles: Int
  public let workers: Int
  /// Whether there is a way back.
  public let isTraining: Bool
  /// Where in its run the network is.
  public let run: RunState
  /// f32 memory of a worker for one operation.
  public let workspace: WorkerScratch
  /// Memory of a worker for the windows of a convolution.
  let windows: WorkerScratch
  /// The gradient in flight of the block that a worker works on.
  let register: WorkerScratch

  init(
    store: ParameterStore, precision: Precision, blocks: RowBlocks, particles: Int = 1,
    workers: Int, isTraining: Bool, run: RunState = RunState()
  ) throws {
    self.store = store
    self.precision = precision
    self.blocks = blocks
    self.particles = particles
    self.workers = workers
    self.isTraining = isTraining
    self.run = run
    workspace = try WorkerScratch(workers: workers)
    windows = try WorkerScratch(workers: workers)
    register = try WorkerScratch(workers: workers)
  }

  /// Rows for each row of the batch.
  func count(_ repeats: Edge.Repeats) -> Int { repeats == .particles ? particles : 1 }
}

/// Where in its run a network is. Its graph sets it before each step; phases only read it.
public final class RunState {
  /// Live rows of the batch.
  public internal(set) var rows = 0
  public internal(set) var seed: UInt64 = 0
  /// Numbers the noise.
  public internal(set) var step: UInt32 = 0
  /// The weight of the divergence.
  public internal(set) var beta: Float = 1
  public internal(set) var objective = Objective()
  /// What each particle counts for in the gradient, [capacity · particles]; they add up to 1 over a
  /// row. nil unless the divergence is taken at the draws.
  public internal(set) var shares: UnsafePointer<Float>?

  init() {}
}
