/// Some rows of a store, in the order they are to be learned from.
public struct Batch {
  /// Positions of the rows in the store.
  public var indices: UnsafeBufferPointer<UInt32>
  /// The step that noise is drawn for.
  public var step: UInt32

  public init(indices: UnsafeBufferPointer<UInt32>, step: UInt32) {
    self.indices = indices
    self.step = step
  }
}

/// How a model is laid out for training.
public struct GraphOptions: Sendable, Equatable {
  /// The most rows in a batch.
  public var batch = 128
  public var precision = Precision.f32
  public var seed: UInt64 = 0
  public var objective = Objective()
  public var binarisation = Binarisation.none

  public init() {}
}

/// What a batch came to: a value a row, in nats, valid until the next batch.
public struct BatchLosses {
  /// What is minimised, without `freeNats`.
  public let objective: UnsafePointer<Double>
  /// What dimensions below their free nats add to each row's objective.
  public var freeNats = 0.0
  /// −E[log p(x|z)].
  public let reconstruction: UnsafePointer<Double>
  /// KL(q(z|x) ‖ p(z)).
  public let divergence: UnsafePointer<Double>
  /// Sums over the rows, a value a latent dimension: of the posterior means, of their squares, of
  /// the divergence. Three times as many as the model has dimensions.
  public let statistics: UnsafePointer<Double>
}

/// A model laid out for a batch size, with all the memory a step needs.
///
/// A step is `learn` for the losses and the gradients of the activations, then `gradients` for
/// those of the parameters. A phase ends before the next begins; inside a phase any worker may
/// take any task.
public protocol TrainingGraph: AnyObject {
  /// The batch to work on next; at most the batch size.
  var batch: Batch { get set }
  /// The weight of the divergence in the objective.
  var beta: Float { get set }
  /// The losses and all that `gradients` needs, as training sees the rows.
  var learn: [Phase] { get }
  /// The losses alone, as the trained model gives them.
  var evaluate: [Phase] { get }
  /// What the last batch came to, once its phases have ended.
  var losses: BatchLosses { get }
  /// The most tasks in a phase of `gradients`.
  var gradientTaskCount: Int { get }
  func gradients(into sink: any GradientSink) -> [Phase]
}

/// What to take from an encoder's posterior.
public enum EncoderOutput: Sendable, Equatable {
  /// The posterior mean.
  case mean
  /// The log-variance, clamped to [−30, 20] as in training.
  case logVariance
  /// A draw, repeated by the seed.
  case sample(seed: UInt64)
}

/// What to take from a decoder's likelihood.
public enum DecoderOutput: Sendable, Equatable {
  /// The mean image.
  case mean
  /// A draw from the likelihood, repeated by the seed.
  case sample(seed: UInt64)
}

/// A model with a latent space. The trainer, the model file and the tools know models by this
/// alone.
public protocol LatentModel: AnyObject, Sendable {
  /// The name in a model file's `vae-tools.kind`.
  static var kind: String { get }
  /// The shape of one row, as it came.
  var inputShape: [Int] { get }
  var latentSize: Int { get }
  var parameters: ParameterStore { get }
  /// The weight of the divergence in training.
  var beta: Float { get }
  /// The configuration, JSON with sorted keys.
  func configurationJSON() throws -> String
  /// The parameters that a model of that configuration has. Takes no memory for them.
  static func layout(configurationJSON: String) throws -> [ParameterSpec]
  /// A model of this kind from `configurationJSON`, parameters still zero.
  init(configurationJSON: String) throws

  /// The network laid out to learn from `rows`, whose values it checks.
  func makeGraph(rows: RowStore, options: GraphOptions, pool: WorkerPool) throws
    -> any TrainingGraph
  func makeEncoder(_ output: EncoderOutput, precision: Precision, pool: WorkerPool) throws
    -> any RowTransform
  func makeDecoder(_ output: DecoderOutput, precision: Precision, pool: WorkerPool) throws
    -> any RowTransform
  /// Rows to a score each.
  func makeScorer(_ options: ScoreOptions, pool: WorkerPool) throws -> any RowTransform
}

extension LatentModel {
  public var kind: String { Self.kind }
  /// Values in a row.
  public var inputSize: Int { inputShape.reduce(1, *) }
}
