public import ArgumentParser
public import VAECore

/// How `sparse-code` finds codes. What is not given comes from the dictionary.
public struct CodingOptions: ParsableArguments {
  @Option(
    name: [.customShort("l", allowingJoined: true), .long],
    help: "The weight λ of the codes' absolute sum; 0.1 of the largest when learning.")
  public var lambda: Double?

  @Option(help: "λ as a share of the smallest that makes all codes zero.")
  public var lambdaRatio: Double?

  @Option(help: "The algorithm. (default: homotopy)")
  public var solver: SparseSolver?

  @Option(help: "Atoms a row, with --solver omp.")
  public var sparsity: Int?

  @Flag(help: "Codes are not negative, nor are the atoms that are learned.")
  public var nonnegative = false

  @Option(help: "A row is solved when its duality gap is at most this share of ½‖x‖².")
  public var tol: Double?

  @Option(help: "Most iterations a row.")
  public var maxIter: Int?

  public init() {}

  public func validate() throws {
    guard lambda == nil || lambdaRatio == nil else {
      throw ValidationError("--lambda and --lambda-ratio exclude each other")
    }
    if let lambda, !(lambda >= 0 && lambda.isFinite) {
      throw ValidationError("--lambda: expected 0 or more, got \(lambda)")
    }
    if let lambdaRatio, !(lambdaRatio >= 0 && lambdaRatio.isFinite) {
      throw ValidationError("--lambda-ratio: expected 0 or more, got \(lambdaRatio)")
    }
    if let sparsity, sparsity < 1 {
      throw ValidationError("--sparsity: expected at least 1, got \(sparsity)")
    }
    if let tol, !(tol > 0 && tol.isFinite) {
      throw ValidationError("--tol: expected a positive number, got \(tol)")
    }
    if let maxIter, maxIter < 1 {
      throw ValidationError("--max-iter: expected at least 1, got \(maxIter)")
    }
    if solver == .omp {
      try refuse(
        ["--lambda": lambda != nil, "--lambda-ratio": lambdaRatio != nil, "--tol": tol != nil],
        where: "--solver omp")
    }
    guard solver == .omp || solver == nil || sparsity == nil else {
      throw ValidationError("--sparsity is an option of --solver omp")
    }
    guard solver != .omp || !nonnegative else {
      throw ValidationError("--solver omp has no --nonnegative")
    }
  }

  /// `options` with those given in their place.
  public func applied(to options: SparseOptions) throws -> SparseOptions {
    var options = options
    if let solver {
      options.solver = solver
      options.maximumIterations = nil
      if solver != .omp { options.sparsity = nil }
    }
    if let lambda { options.lambda = lambda }
    if let sparsity { options.sparsity = sparsity }
    if nonnegative { options.nonnegative = true }
    if let tol { options.tolerance = tol }
    if let maxIter { options.maximumIterations = maxIter }
    do {
      try options.validate()
    } catch SparseError.badOption(let what) {
      throw ValidationError(what)
    }
    return options
  }
}

/// How `sparse-code` learns a dictionary.
public struct LearningArguments: ParsableArguments {
  @Option(
    name: [.customShort("k", allowingJoined: true), .long], help: "Atoms to learn. (default: 64)")
  public var atoms: Int?

  @Option(help: "Most passes over the rows. (default: 20)")
  public var epochs: Int?

  @Option(help: "Rows a step of learning. (default: 256)")
  public var batch: Int?

  @Option(help: "Learn until an epoch lowers the objective by less than this share.")
  public var learnTol: Double?

  @Option(help: "Repeat the choice and the order of rows of this seed. (default: 0)")
  public var seed: UInt64?

  public init() {}

  public func validate() throws {
    if let atoms, !(1...12288 ~= atoms) {
      throw ValidationError("--atoms: expected 1 to 12288, got \(atoms)")
    }
    if let epochs, !(1...1_000_000 ~= epochs) {
      throw ValidationError("--epochs: expected 1 to 1000000, got \(epochs)")
    }
    if let batch, !(1...1 << 20 ~= batch) {
      throw ValidationError("--batch: expected 1 to 1048576, got \(batch)")
    }
    if let learnTol, !(learnTol >= 0 && learnTol.isFinite) {
      throw ValidationError("--learn-tol: expected 0 or more, got \(learnTol)")
    }
  }

  /// Throws where an option was given though nothing is to be learned.
  public func requireNone(output: String?) throws {
    let given = [
      atoms.map { _ in "-k" }, epochs.map { _ in "--epochs" }, batch.map { _ in "--batch" },
      learnTol.map { _ in "--learn-tol" }, seed.map { _ in "--seed" },
      output.map { _ in "-o" },
    ]
    if let option = given.compactMap(\.self).first {
      throw ValidationError("\(option) is for learning a dictionary, which -d gives")
    }
  }

  public func options(_ coding: CodingOptions) throws -> LearningOptions {
    var options = LearningOptions(
      atoms: atoms ?? 64, coding: try coding.applied(to: SparseOptions(lambda: 0)))
    if coding.lambda == nil, options.coding.solver != .omp {
      options.lambdaRatio = coding.lambdaRatio ?? 0.1
    }
    if let epochs { options.epochs = epochs }
    if let batch { options.batch = batch }
    if let learnTol { options.tolerance = learnTol }
    if let seed { options.seed = seed }
    return options
  }
}

extension StreamOptions {
  /// Reads a dictionary operand; `-` is standard input, unless the rows come from there.
  public func dictionary(_ operand: String, besides rows: String?) throws -> SparseDictionary {
    guard operand == "-" else { return try SparseDictionary(try ByteSource(path: operand)) }
    guard let rows, rows != "-" else {
      throw ValidationError("the dictionary and the rows cannot both come from standard input")
    }
    return try SparseDictionary(try ByteSource(standardInput: ()))
  }
}

extension SparseSolver: ExpressibleByArgument {}
extension CodeFormat: ExpressibleByArgument {}
