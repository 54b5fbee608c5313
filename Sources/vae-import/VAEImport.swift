import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEImport: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-import", "Make a model of tensors that were trained elsewhere, with PyTorch say.",
    discussion: """
      Reads a state dictionary, a safetensors file or what torch.save writes, of which nothing is \
      run. The shapes of its tensors say how many layers there are and how wide.
      """,
    examples: [
      "vae-import --shape 28x28 --map \\\n"
        + "      fc1=encoder.0,fc21=encoder.mean,fc22=encoder.logvar,fc3=decoder.0,"
        + "fc4=decoder.output \\\n      vae.pt > m.vae",
      "vae-import model.safetensors -o m.vae",
    ])

  @Argument(
    help: ArgumentHelp("The tensors; none, or -, is standard input.", valueName: "file"),
    completion: .file())
  var file: String?

  @Option(
    help: ArgumentHelp(
      "What tensors, or all whose names begin so, are called in a model; theirs= leaves them out.",
      valueName: "theirs=ours,..."))
  var map: NamePairs?

  @Option(help: ArgumentHelp("The shape of a row; flat when not given.", valueName: "hxw"))
  var shape: RowShape?

  @Option(help: "What follows the sum in a hidden layer.")
  var activation = Activation.relu

  @Option(
    help: ArgumentHelp("What the decoder gives, as in vae-fit.", valueName: "likelihood"),
    completion: .list(Likelihoods.names))
  var likelihood = Bernoulli.name

  @Option(help: "The Gaussian's standard deviation, as in vae-fit. (default: 1)")
  var sigma: Sigma?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: ArgumentHelp("Write the model here; standard output when not given.", valueName: "file"),
    completion: .file())
  var output: String?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    do {
      _ = try Likelihoods.named(likelihood, sigma: sigma)
    } catch let error as LikelihoodError {
      throw ValidationError(error.description)
    }
  }

  func run() throws {
    let file = try output.flatMap { $0 == "-" ? nil : try AtomicFile(path: $0) }
    let sink = try file?.sink ?? streams.output()
    let tensors = try StateDictionary(try streams.input(self.file))
    var configuration = VAEConfiguration(
      inputShape: [], likelihood: try Likelihoods.named(likelihood, sigma: sigma))
    configuration.style.activation = activation
    let model = try importModel(
      tensors, names: TensorNames(map?.pairs ?? []), inputShape: shape?.dimensions,
      configuration: configuration)
    try ModelFile.write(model, training: "{\"imported_sha256\":\"\(tensors.sha256)\"}", to: sink)
    try file?.commit() ?? sink.finish()
  }
}

/// Names and what takes their place, `fc1=encoder.0,fc2=`.
struct NamePairs: ExpressibleByArgument {
  let pairs: [(theirs: String, ours: String)]

  init?(argument: String) {
    let words = argument.split(separator: ",", omittingEmptySubsequences: false)
      .map { $0.split(separator: "=", omittingEmptySubsequences: false).map(String.init) }
    guard words.allSatisfy({ $0.count == 2 && $0[0] != "" }) else { return nil }
    pairs = words.map { ($0[0], $0[1]) }
    guard Set(pairs.map(\.theirs)).count == pairs.count else { return nil }
  }
}
