/// The latent part of a model: from the heads of an encoder to z, with its term of the loss.
public protocol Latent: Layer {
  /// Values of z for a row.
  var size: Int { get }
  /// Whether z is a distribution, whose divergence from the prior is a term of the loss.
  var hasPosterior: Bool { get }
  /// A row of the heads as what an encoder is asked for: [size] values.
  ///
  /// - Parameter row: numbers the row in its stream, for draws.
  func encode(
    _ heads: UnsafePointer<Float>, as output: EncoderOutput, row: UInt64,
    into z: UnsafeMutablePointer<Float>)
  /// Draws z for some rows of heads, as scores do, which number their noise themselves.
  ///
  /// - Parameters:
  ///   - heads: f32 [rows, …] as the encoder gives them.
  ///   - noise: standard normals [rows · particles, size].
  ///   - z: where the draws go, [rows · particles, size].
  ///   - divergence: in closed form, [rows].
  ///   - ratio: ln p(z) − ln q(z|x) of each draw, [rows · particles]; nil where nobody needs it.
  func draw(
    heads: UnsafePointer<Float>, noise: UnsafePointer<Float>, rows: Int, particles: Int,
    into z: RowTarget, divergence: UnsafeMutablePointer<Double>,
    ratio: UnsafeMutablePointer<Double>?)
  func place(_ site: Site) throws -> any PlacedLatent
}

extension Latent {
  public func outputShape(_ inputs: [[Int]]) -> [Int] { [size] }
  public func place(_ site: Site) throws -> any PlacedLayer {
    let latent: any PlacedLatent = try place(site)
    return latent
  }
}

/// A latent with its memory. `apply` draws with the noise of evaluation, the forward pass with that
/// of training.
public protocol PlacedLatent: PlacedLayer {
  var size: Int { get }
  /// Whether `addBackward` reads `totals`, which takes every block's forward pass.
  var needsWholeBatch: Bool { get }
  /// KL(q(z|x) ‖ p(z)) of each row of the batch, in nats, once a block's forward pass has run.
  /// Valid while the latent lives.
  var divergence: UnsafePointer<Double> { get }
  /// Adds ln p(z) − ln q(z|x) of the block's particles to `ratio` [block · particles].
  func addLogRatio(_ block: RowBlock, to ratio: UnsafeMutablePointer<Double>)
  /// Sums over the rows of the batch, a value a dimension: of the posterior means, of their squares,
  /// of the divergence. [3 · size], valid until the next batch.
  func totals() -> UnsafePointer<Double>
  /// Adds to a plan without a forward pass, as `addForward` does, what clears the statistics of
  /// blocks without a live row.
  func addClearing(to plan: inout RowPlan)
  /// What dimensions below their free nats add to each row's divergence.
  func freeNats() -> Double
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
