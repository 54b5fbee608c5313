public import ArgumentParser
public import VAECore

/// What `vae-fit` builds.
public struct ModelOptions: ParsableArguments {
  @Option(help: "A variational (vae) or a plain autoencoder (ae).")
  public var model = VAEConfiguration.Family.variational

  @Option(help: "Widths of the hidden layers, from the input on; the decoder has them in reverse.")
  public var hidden = IntegerList([400])

  @Option(help: "Dimensions of the latent space.")
  public var latent = 20

  @Option(help: "What follows the sum in a hidden layer.")
  public var activation = Activation.relu

  @Option(help: "The probability that training sets a hidden value to zero.")
  public var dropout: Float = 0

  @Flag(help: "Normalise the sums of hidden layers over the batch.")
  public var batchNorm = false

  @Option(help: "How weights start. (default: pytorch)")
  public var initScheme: InitialiserScheme?

  @Flag(help: "Start the output's bias at the mean of the rows.")
  public var biasFromData = false

  @Option(
    help: ArgumentHelp(
      "What the decoder gives: bernoulli (values in [0, 1]), gaussian or student (any).",
      valueName: "likelihood"),
    completion: .list(Likelihoods.names))
  public var likelihood = Bernoulli.name

  @Option(
    help:
      "The Gaussian's standard deviation: a number, learned, or pixel (a value each). (default: 1)")
  public var sigma: Sigma?

  @Option(help: "The weight of the divergence in the objective. (default: 1)")
  public var beta: Float?

  public init() {}

  public func validate() throws {
    guard !hidden.values.isEmpty, hidden.values.allSatisfy({ 1..<1 << 30 ~= $0 }) else {
      throw ValidationError(
        "--hidden: expected widths of at least 1, got \(hidden.defaultValueDescription)")
    }
    guard 1..<1 << 30 ~= latent else {
      throw ValidationError("--latent: expected at least 1, got \(latent)")
    }
    guard dropout >= 0, dropout < 1 else {
      throw ValidationError("--dropout: expected 0 or more and less than 1, got \(dropout)")
    }
    if let beta, !(beta >= 0 && beta.isFinite) {
      throw ValidationError("--beta: expected 0 or more, got \(beta)")
    }
    do {
      _ = try Likelihoods.named(likelihood, sigma: sigma)
    } catch LikelihoodError.noSigma {
      throw ValidationError("--sigma has no effect with --likelihood \(likelihood)")
    } catch {
      throw ValidationError(
        "--likelihood: expected \(Likelihoods.names.joined(separator: ", ")), got \(likelihood)")
    }
  }

  /// The model's configuration for such rows.
  public func configuration(
    for rows: RowStore, _ objective: ObjectiveOptions
  ) throws -> VAEConfiguration {
    var configuration = VAEConfiguration(
      inputShape: rows.rowShape, hidden: hidden.values, latent: latent,
      likelihood: try Likelihoods.named(likelihood, sigma: sigma), beta: beta ?? 1)
    configuration.family = model
    configuration.scheme = initScheme ?? .pytorch
    configuration.inputRange = rows.range
    configuration.binarizes = objective.binarize == .threshold
    configuration.style.activation = activation
    configuration.style.dropout = dropout
    configuration.style.batchNorm = batchNorm
    return configuration
  }
}

extension VAEConfiguration.Family: ExpressibleByArgument {}
extension Activation: ExpressibleByArgument {}
extension InitialiserScheme: ExpressibleByArgument {}

extension Sigma: ExpressibleByArgument {
  public init?(argument: String) {
    switch argument {
    case "learned": self = .learned
    case "pixel": self = .pixel
    default:
      guard let sigma = Float(argument), sigma > 0, sigma.isFinite else { return nil }
      self = .fixed(sigma)
    }
  }
}
