/// How codes are found.
public enum SparseSolver: String, CaseIterable, Sendable, Codable {
  /// The path of solutions from the largest λ down (Osborne et al. 2000; Efron et al. 2004).
  /// The default: the fastest at every width, number of atoms and density measured.
  case homotopy
  /// Coordinate descent on the Gram form over an active set, then the exact solve on its support.
  case cd
  /// The accelerated proximal gradient (Beck and Teboulle 2009) with restart, then the same solve.
  case fista
  /// The plain proximal gradient.
  case ista
  /// Orthogonal matching pursuit: at most `sparsity` atoms, no λ.
  case omp
  /// One soft threshold of the correlations: no minimum, but the fastest sparse code there is.
  case threshold

  /// Whether it goes on until the duality gap is within the tolerance.
  public var isCertified: Bool { self != .omp && self != .threshold }

  /// The steps, passes or iterations that a row may take when none are given.
  var defaultIterations: Int {
    switch self {
    case .ista: 1_000_000
    case .fista: 100_000
    default: 10_000
    }
  }
}

/// What is minimised over a for each row x: ½‖x − aD‖² + λ‖a‖₁, and how far.
public struct SparseOptions: Sendable, Equatable, Codable {
  public var solver: SparseSolver = .homotopy
  /// λ of the objective; not used by `omp`.
  public var lambda: Double
  /// Codes and, when learning, atoms are not negative.
  public var nonnegative = false
  /// A row is solved when its duality gap is at most this times ½‖x‖².
  public var tolerance = 1e-6
  /// The most steps, passes or iterations of the solver a row; nil is the solver's own limit.
  public var maximumIterations: Int?
  /// The most atoms a row of `omp`.
  public var sparsity: Int?

  enum CodingKeys: String, CodingKey {
    case solver, lambda, nonnegative, sparsity
    case tolerance = "tol"
    case maximumIterations = "max_iter"
  }

  /// The tolerance as version 0.1 called it.
  private enum EarlierKeys: String, CodingKey { case tolerance }

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    solver = try values.decode(SparseSolver.self, forKey: .solver)
    lambda = try values.decode(Double.self, forKey: .lambda)
    nonnegative = try values.decode(Bool.self, forKey: .nonnegative)
    tolerance =
      try decoder.container(keyedBy: EarlierKeys.self)
      .decodeIfPresent(Double.self, forKey: .tolerance)
      ?? values.decode(Double.self, forKey: .tolerance)
    maximumIterations = try values.decodeIfPresent(Int.self, forKey: .maximumIterations)
    sparsity = try values.decodeIfPresent(Int.self, forKey: .sparsity)
  }

  public init(lambda: Double, solver: SparseSolver = .homotopy) {
    self.lambda = lambda
    self.solver = solver
  }

  /// - Throws: `SparseError.badOption`.
  public func validate() throws {
    guard lambda.isFinite, lambda >= 0 else {
      throw SparseError.badOption("lambda must be a number of at least 0, got \(lambda)")
    }
    guard tolerance.isFinite, tolerance > 0 else {
      throw SparseError.badOption("the tolerance must be above 0, got \(tolerance)")
    }
    if let maximumIterations, maximumIterations < 1 {
      throw SparseError.badOption("at least one iteration is needed, got \(maximumIterations)")
    }
    guard solver == .omp else {
      if sparsity != nil { throw SparseError.badOption("sparsity is an option of solver omp") }
      return
    }
    guard let sparsity, sparsity > 0 else {
      throw SparseError.badOption("solver omp needs the sparsity, at least 1")
    }
    guard !nonnegative else {
      throw SparseError.badOption("solver omp has no non-negative form; use homotopy")
    }
  }
}
