public import ArgumentParser
public import VAECore

/// What `vae-fit` builds.
public struct ModelOptions: ParsableArguments {
  @Option(help: "A variational (vae) or a plain autoencoder (ae).")
  public var model = VAEConfiguration.Family.variational

  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: "The label of each row, a whole number: makes the model conditional on it.",
    completion: .file())
  public var labels: String?

  @Option(
    help: ArgumentHelp(
      "Options under a name: mnist-dense, mnist-conv or photo-conv. vae-info --presets prints them; "
        + "those that are given as well come first.", valueName: "name"))
  public var preset: Preset?

  @OptionGroup public var convolution: ConvolutionOptions

  @Option(
    help: ArgumentHelp(
      "Widths of the dense hidden layers, from the input on, or none; the decoder has them in "
        + "reverse. (default: 400; with --conv none)", valueName: "widths"))
  public var hidden: HiddenWidths?

  @Option(help: "Dimensions of the latent space. (default: 20)")
  public var latent: Int?

  @Option(help: "What follows the sum in a hidden layer. (default: relu)")
  public var activation: Activation?

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
      "What the decoder gives: bernoulli (values in [0, 1]), gaussian or student (any), logistic "
        + "(bytes). (default: bernoulli)",
      valueName: "likelihood"),
    completion: .list(Likelihoods.names))
  public var likelihood: String?

  @Option(
    help:
      "The Gaussian's standard deviation: a number, learned, or pixel (a value each). (default: 1)")
  public var sigma: Sigma?

  @Option(help: "The weight of the divergence in the objective. (default: 1)")
  public var beta: Float?

  public init() {}

  public func validate() throws {
    if let widths = hidden?.values, !widths.allSatisfy({ 1..<1 << 30 ~= $0 }) {
      throw ValidationError("--hidden: expected widths of at least 1, got \(widths)")
    }
    if let latent, !(1..<1 << 30 ~= latent) {
      throw ValidationError("--latent: expected at least 1, got \(latent)")
    }
    guard dropout >= 0, dropout < 1 else {
      throw ValidationError("--dropout: expected 0 or more and less than 1, got \(dropout)")
    }
    if let beta, !(beta >= 0 && beta.isFinite) {
      throw ValidationError("--beta: expected 0 or more, got \(beta)")
    }
    do {
      _ = try chosenLikelihood()
    } catch LikelihoodError.noSigma {
      throw ValidationError("--sigma has no effect with --likelihood \(likelihoodName)")
    } catch {
      throw ValidationError(
        "--likelihood: expected \(Likelihoods.names.joined(separator: ", ")), got \(likelihoodName)"
      )
    }
    _ = try convolution.configuration(preset: preset?.conv)
  }

  private var likelihoodName: String { likelihood ?? preset?.likelihood ?? Bernoulli.name }

  private func chosenLikelihood() throws -> any Likelihood {
    try Likelihoods.named(
      likelihoodName, sigma: sigma ?? (likelihood == nil ? preset?.sigma : nil))
  }

  /// The model's configuration for such rows.
  ///
  /// - Parameter classes: the labels that they have, if they have some.
  public func configuration(
    for held: TrainingRows, classes: [Int]?, _ objective: ObjectiveOptions
  ) throws -> VAEConfiguration {
    let rows = held.rows
    let convolution = try convolution.configuration(preset: preset?.conv)
    var configuration = VAEConfiguration(
      inputShape: rows.rowShape,
      hidden: hidden?.values ?? preset?.hidden ?? (convolution == nil ? [400] : []),
      latent: latent ?? preset?.latent ?? 20, likelihood: try chosenLikelihood(), beta: beta ?? 1)
    configuration.convolution = convolution
    configuration.family = model
    configuration.scheme = initScheme ?? .pytorch
    configuration.inputRange = rows.range
    configuration.binarizes = objective.binarize == .threshold
    configuration.style.activation = activation ?? preset?.activation ?? .relu
    configuration.style.dropout = dropout
    configuration.style.batchNorm = batchNorm
    if let classes { configuration.setClasses(classes, of: held) }
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
