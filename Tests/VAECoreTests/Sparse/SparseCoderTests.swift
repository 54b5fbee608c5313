import Testing
import VAECore

struct SparseCoderTests {
  static let certified: [SparseSolver] = [.homotopy, .cd, .fista, .ista]

  /// Codes are within 10⁻⁶ of the minimum and of the naive solution's objective.
  private func check(
    _ problem: SparseProblem, _ options: SparseOptions,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (codes, report) = try problem.codes(options)
    let atoms = problem.exactDictionary
    var worst = 0.0
    for i in 0..<problem.count {
      let (x, a) = (problem.row(i), problem.code(i, of: codes))
      let gap = NaiveSparse.gap(
        x, a, atoms, lambda: options.lambda, nonnegative: options.nonnegative)
      worst = max(worst, gap)
      let naive = NaiveSparse.solve(
        x, atoms, lambda: options.lambda, nonnegative: options.nonnegative)
      let least = NaiveSparse.objective(x, naive, atoms, lambda: options.lambda)
      let got = NaiveSparse.objective(x, a, atoms, lambda: options.lambda)
      #expect(abs(got - least) <= 1e-6 * least + 1e-12, sourceLocation: sourceLocation)
      if options.nonnegative { #expect(a.allSatisfy { $0 >= 0 }, sourceLocation: sourceLocation) }
    }
    #expect(worst <= 1e-6, sourceLocation: sourceLocation)
    #expect(report.unconverged == 0, sourceLocation: sourceLocation)
    #expect(abs((report.worstGap ?? -1) - max(worst, 0)) < 1e-9, sourceLocation: sourceLocation)
  }

  @Test(arguments: certified, [false, true])
  func reachesTheMinimum(_ solver: SparseSolver, nonnegative: Bool) throws {
    let problem = SparseProblem(rows: 40, atoms: 30, width: 12)
    for share in [0.02, 0.2, 0.7] {
      var options = SparseOptions(lambda: share * problem.largestLambda, solver: solver)
      options.nonnegative = nonnegative
      try check(problem, options)
    }
  }

  @Test(arguments: [
    (1, 1), (3, 2), (5, 17), (17, 5), (64, 20), (65, 33), (130, 20), (40, 100), (200, 16),
  ])
  func anySize(atoms: Int, width: Int) throws {
    let problem = SparseProblem(rows: 19, atoms: atoms, width: width, seed: 7)
    for solver in [SparseSolver.homotopy, .cd, .fista] {
      try check(problem, SparseOptions(lambda: 0.1 * problem.largestLambda, solver: solver))
    }
  }

  @Test(arguments: [SparseSolver.homotopy, .cd])
  func tiesAndDependentAtoms(_ solver: SparseSolver) throws {
    var problem = SparseProblem(rows: 30, atoms: 24, width: 8, seed: 3)
    // Whole numbers: many atoms meet λ at once, many are dependent.
    problem.dictionary = problem.dictionary.map { ($0 * 2).rounded() }
    problem.rows = problem.rows.map { $0.rounded() }
    for j in 0..<3 { for p in 0..<8 { problem.dictionary[(20 + j) * 8 + p] = 0 } }
    for p in 0..<8 {
      problem.dictionary[8 + p] = problem.dictionary[p]
      problem.dictionary[16 + p] = -problem.dictionary[p]
    }
    for nonnegative in [false, true] {
      var options = SparseOptions(lambda: 0.1 * problem.largestLambda, solver: solver)
      options.nonnegative = nonnegative
      try check(problem, options)
    }
  }

  @Test func scaleDoesNotMatter() throws {
    let problem = SparseProblem(rows: 20, atoms: 30, width: 10)
    let (codes, _) = try problem.codes(SparseOptions(lambda: 0.5))
    for exponent in [-100, -60, 60, 110] {
      let factor = Float(sign: .plus, exponent: exponent, significand: 1)
      var scaled = problem
      scaled.rows = problem.rows.map { $0 * factor }
      let (got, report) = try scaled.codes(SparseOptions(lambda: 0.5 * Double(factor)))
      #expect(got == codes.map { $0 * factor })
      #expect(report.unconverged == 0)
    }
  }

  @Test(arguments: certified)
  func specialRows(_ solver: SparseSolver) throws {
    var problem = SparseProblem(rows: 6, atoms: 20, width: 10)
    for p in 0..<10 {
      problem.rows[p] = 0  // zeros
      problem.rows[10 + p] = 1  // a constant
      problem.rows[20 + p] = problem.dictionary[p]  // an atom
      problem.rows[30 + p] = problem.rows[40 + p]  // one row twice
    }
    let options = SparseOptions(lambda: 0.05, solver: solver)
    try check(problem, options)
    let (codes, _) = try problem.codes(options)
    #expect(codes[..<20].allSatisfy { $0 == 0 })
    #expect(codes[60..<80] == codes[80..<100])
  }

  @Test(arguments: certified)
  func largestLambdaGivesZeros(_ solver: SparseSolver) throws {
    let problem = SparseProblem(rows: 10, atoms: 30, width: 12)
    for lambda in [1.0001 * problem.largestLambda, 1e30, 1e300] {
      let (codes, report) = try problem.codes(SparseOptions(lambda: lambda, solver: solver))
      #expect(codes.allSatisfy { $0 == 0 })
      #expect(report.unconverged == 0 && report.nonzeros == 0 && report.deadAtoms == 30)
    }
  }

  @Test func lambdaZeroIsLeastSquares() throws {
    // More atoms than dimensions: the row itself. Fewer: its projection.
    for atoms in [20, 5] {
      let problem = SparseProblem(rows: 10, atoms: atoms, width: 10)
      let (codes, report) = try problem.codes(SparseOptions(lambda: 0))
      #expect(report.unconverged == 0)
      for i in 0..<10 {
        let r = NaiveSparse.residual(
          problem.row(i), problem.code(i, of: codes), problem.exactDictionary)
        let c = NaiveSparse.correlations(r, problem.exactDictionary)
        #expect(c.allSatisfy { abs($0) < 1e-5 })
        #expect(problem.code(i, of: codes).count { $0 != 0 } <= 10)
        if atoms > 10 { #expect(r.allSatisfy { abs($0) < 1e-5 }) }
      }
    }
  }

  @Test func pursuitIsNaivePursuit() throws {
    let problem = SparseProblem(rows: 25, atoms: 40, width: 16)
    for sparsity in [1, 4, 16, 100] {
      var options = SparseOptions(lambda: 0, solver: .omp)
      options.sparsity = sparsity
      let (codes, report) = try problem.codes(options)
      #expect(report.worstGap == nil && report.unconverged == 0)
      for i in 0..<25 {
        let a = problem.code(i, of: codes)
        let naive = NaiveSparse.pursue(
          problem.row(i), problem.exactDictionary, sparsity: min(sparsity, 16))
        #expect(a.count { $0 != 0 } <= sparsity)
        for (got, want) in zip(a, naive) { #expect(abs(got - want) <= 1e-5 * max(1, abs(want))) }
      }
    }
  }

  @Test func thresholdIsTheSoftThreshold() throws {
    let problem = SparseProblem(rows: 9, atoms: 21, width: 6)
    let (codes, _) = try problem.codes(SparseOptions(lambda: 0.3, solver: .threshold))
    for i in 0..<9 {
      let c = NaiveSparse.correlations(problem.row(i), problem.exactDictionary)
      for (got, c) in zip(problem.code(i, of: codes), c) {
        let want = max(c - 0.3, 0) + min(c + 0.3, 0)
        #expect(abs(got - want) <= 1e-6)
      }
    }
  }

  @Test(arguments: SparseSolver.allCases)
  func anyNumberOfThreads(_ solver: SparseSolver) throws {
    let problem = SparseProblem(rows: 1100, atoms: 24, width: 9)
    var options = SparseOptions(lambda: 0.5, solver: solver)
    options.sparsity = solver == .omp ? 3 : nil
    let (codes, report) = try problem.codes(options, threads: 1)
    for threads in 2...4 {
      let (other, otherReport) = try problem.codes(options, threads: threads)
      #expect(other == codes)
      #expect(otherReport == report)
    }
  }

  @Test func saysWhatDidNotConverge() throws {
    let problem = SparseProblem(rows: 10, atoms: 30, width: 12)
    for solver in [SparseSolver.ista, .fista, .cd] {
      var options = SparseOptions(lambda: 0.01, solver: solver)
      options.maximumIterations = 1
      let coder = try problem.coder(options)
      var codes = [Float](repeating: 0, count: 300)
      coder.encode(problem.rows, count: 10, into: &codes)
      #expect(coder.report.unconverged == 10)
      #expect(coder.summary.contains { $0.hasPrefix("warning: 10 of 10 rows") })
    }
  }

  @Test func reportAddsUp() throws {
    let problem = SparseProblem(rows: 50, atoms: 20, width: 10)
    let options = SparseOptions(lambda: 0.4)
    let (codes, report) = try problem.codes(options)
    let rows = (0..<50).map { problem.row($0) }
    let codeRows = (0..<50).map { problem.code($0, of: codes) }
    let atoms = problem.exactDictionary
    let objective =
      zip(rows, codeRows).reduce(0) {
        $0 + NaiveSparse.objective($1.0, $1.1, atoms, lambda: 0.4)
      } / 50
    #expect(abs(report.objective - objective) < 1e-12 * objective)
    #expect(report.rows == 50)
    #expect(report.histogram.reduce(0, +) == 50)
    for (nonzeros, count) in report.histogram.enumerated() {
      #expect(count == codeRows.count { $0.count { $0 != 0 } == nonzeros })
    }
    for atom in 0..<20 { #expect(report.uses[atom] == codeRows.count { $0[atom] != 0 }) }
    let mean = (0..<10).map { p in rows.reduce(0) { $0 + $1[p] } / 50 }
    var (errors, spread) = (0.0, 0.0)
    for (x, a) in zip(rows, codeRows) {
      let r = NaiveSparse.residual(x, a, atoms)
      errors += NaiveSparse.dot(r[...], r[...])
      spread += zip(x, mean).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
    }
    #expect(abs((report.explained ?? 0) - (1 - errors / spread)) < 1e-12)
  }

  @Test func coherenceIsTheLargestCosine() throws {
    let problem = SparseProblem(rows: 1, atoms: 12, width: 7)
    let atoms = problem.exactDictionary
    var largest = 0.0
    for i in 0..<12 {
      for j in 0..<i {
        let (a, b) = (atoms[i * 7..<(i + 1) * 7], atoms[j * 7..<(j + 1) * 7])
        largest = max(largest, abs(NaiveSparse.dot(a, b)))
      }
    }
    let coder = try problem.coder(SparseOptions(lambda: 1))
    #expect(abs(coder.coherence - largest) < 1e-6)
  }

  @Test func refusesBadOptions() throws {
    let problem = SparseProblem(rows: 1, atoms: 3, width: 2)
    var bad: [SparseOptions] = []
    for lambda in [-1, Double.nan, .infinity] { bad.append(SparseOptions(lambda: lambda)) }
    bad.append(SparseOptions(lambda: 1, solver: .omp))
    var options = SparseOptions(lambda: 1)
    options.sparsity = 3
    bad.append(options)
    options = SparseOptions(lambda: 1)
    options.tolerance = 0
    bad.append(options)
    options = SparseOptions(lambda: 1)
    options.maximumIterations = 0
    bad.append(options)
    for options in bad { #expect(throws: SparseError.self) { try problem.coder(options) } }
  }
}
