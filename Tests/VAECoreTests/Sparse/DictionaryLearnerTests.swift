import Testing
import VAECore

struct DictionaryLearnerTests {
  /// Rows of `rows` floats each `width` wide.
  private func store(_ values: [Float], width: Int) throws -> RowStore {
    try RowStore(
      Streams.reader(Streams.rows(values, shape: "(\(values.count / width), \(width))")))
  }

  private func learn(
    _ store: RowStore, atoms: Int, lambda: Double = 0.1, threads: Int = 2,
    _ change: (inout LearningOptions) -> Void = { _ in }
  ) throws -> (dictionary: SparseDictionary, record: DictionaryRecord) {
    var options = LearningOptions(atoms: atoms, coding: SparseOptions(lambda: lambda))
    options.epochs = 5
    change(&options)
    return try DictionaryLearner(rows: store, options: options, pool: WorkerPool(threads: threads))
      .run()
  }

  /// Rows made of few of `problem`'s atoms.
  private func mixtures(of problem: SparseProblem, rows: Int, sparsity: Int) -> [Float] {
    var generator = NoiseGenerator(Noise(seed: 5, purpose: .sample))
    var values: [Float] = []
    for _ in 0..<rows {
      var row = [Float](repeating: 0, count: problem.width)
      for _ in 0..<sparsity {
        let atom = Int(generator.next(below: UInt64(problem.atoms)))
        let weight = (generator.nextUnit() - 0.5) * 4
        for p in row.indices { row[p] += weight * problem.dictionary[atom * problem.width + p] }
      }
      values += row
    }
    return values
  }

  @Test func recoversTheAtomsOfMixtures() throws {
    let truth = SparseProblem(rows: 1, atoms: 32, width: 16, seed: 11)
    let rows = try store(mixtures(of: truth, rows: 6000, sparsity: 3), width: 16)
    let (learned, _) = try learn(rows, atoms: 32, lambda: 0.05) { $0.epochs = 20 }
    let found = (0..<32).count { j in
      let atom = truth.exactDictionary[j * 16..<(j + 1) * 16]
      return (0..<32).contains { i in
        let other = learned.atoms[i * 16..<(i + 1) * 16].map(Double.init)
        return abs(NaiveSparse.dot(atom, other[...])) > 0.99
      }
    }
    #expect(found >= 31)
  }

  @Test func atomsAreCanonical() throws {
    let problem = SparseProblem(rows: 700, atoms: 10, width: 6)
    let (learned, record) = try learn(try store(problem.rows, width: 6), atoms: 10)
    for j in 0..<10 {
      let atom = learned.atoms[j * 6..<(j + 1) * 6].map(Double.init)
      #expect(abs(NaiveSparse.dot(atom[...], atom[...]) - 1) < 1e-6)
      let peak = atom.max { abs($0) < abs($1) } ?? 0
      #expect(peak > 0)
    }
    #expect(record.rows == 700 && record.epochs <= 5 && record.objective > 0)
  }

  @Test func learningLowersTheObjective() throws {
    let problem = SparseProblem(rows: 3000, atoms: 10, width: 8)
    let rows = try store(problem.rows, width: 8)
    var objectives: [Double] = []
    var options = LearningOptions(atoms: 16, coding: SparseOptions(lambda: 0.3))
    options.epochs = 4
    options.tolerance = 0
    let learner = try DictionaryLearner(
      rows: rows, options: options, pool: WorkerPool(threads: 1))
    _ = try learner.run { epoch in
      objectives.append(epoch.objective)
      return true
    }
    #expect(objectives.count == 4)
    #expect(objectives == objectives.sorted(by: >))
  }

  @Test(arguments: [SparseSolver.homotopy, .fista, .omp])
  func anyNumberOfThreads(_ solver: SparseSolver) throws {
    let problem = SparseProblem(rows: 500, atoms: 10, width: 7)
    let rows = try store(problem.rows, width: 7)
    func file(_ threads: Int) throws -> [UInt8] {
      let (dictionary, record) = try learn(rows, atoms: 70, lambda: 0.5, threads: threads) {
        $0.coding.solver = solver
        $0.coding.sparsity = solver == .omp ? 2 : nil
        $0.epochs = 2
      }
      return try Streams.written { try dictionary.write(to: $0, training: record) }
    }
    let one = try file(1)
    for threads in 2...4 { #expect(try file(threads) == one) }
  }

  @Test func seedsDiffer() throws {
    let rows = try store(SparseProblem(rows: 300, atoms: 1, width: 5).rows, width: 5)
    let first = try learn(rows, atoms: 8).dictionary
    #expect(try learn(rows, atoms: 8).dictionary == first)
    #expect(try learn(rows, atoms: 8) { $0.seed = 1 }.dictionary != first)
  }

  @Test func nonnegativeAtoms() throws {
    let problem = SparseProblem(rows: 400, atoms: 1, width: 6)
    let rows = try store(problem.rows.map { abs($0) }, width: 6)
    let (learned, _) = try learn(rows, atoms: 9) { $0.coding.nonnegative = true }
    #expect(learned.atoms.allSatisfy { $0 >= 0 })
    #expect(learned.options.nonnegative)
  }

  @Test func moreAtomsThanRows() throws {
    let problem = SparseProblem(rows: 5, atoms: 1, width: 4)
    let (learned, _) = try learn(try store(problem.rows, width: 4), atoms: 40)
    #expect(learned.count == 40)
    #expect(learned.atoms.allSatisfy { $0.isFinite })
  }

  @Test func rowsThatAreAllTheSame() throws {
    let (learned, record) = try learn(
      try store([Float](repeating: 2, count: 60), width: 6), atoms: 3)
    #expect(learned.atoms.allSatisfy { $0.isFinite })
    #expect(record.objective < 1)
  }

  @Test func refusesRowsOfZeros() throws {
    let rows = try store([Float](repeating: 0, count: 60), width: 6)
    #expect(throws: SparseError.self) { try learn(rows, atoms: 3) }
    let negative = try store([Float](repeating: -1, count: 60), width: 6)
    #expect(throws: SparseError.self) {
      try learn(negative, atoms: 3) { $0.coding.nonnegative = true }
    }
  }

  @Test func refusesNoAtoms() throws {
    let rows = try store([1, 2, 3, 4], width: 2)
    #expect(throws: SparseError.self) { try learn(rows, atoms: 0) }
    #expect(throws: SparseError.self) { try learn(rows, atoms: 3) { $0.epochs = 0 } }
  }

  @Test func lambdaByItsShare() throws {
    let problem = SparseProblem(rows: 200, atoms: 1, width: 5)
    let rows = try store(problem.rows, width: 5)
    let (learned, _) = try learn(rows, atoms: 200) { $0.lambdaRatio = 0.25 }
    // With every row among the first atoms, the longest row gives the largest correlation.
    let longest =
      (0..<200).map { NaiveSparse.dot(problem.row($0)[...], problem.row($0)[...]) }
      .max() ?? 0
    #expect(abs(learned.options.lambda - 0.25 * longest.squareRoot()) < 1e-5)
    var given = learned
    try given.setLambda(ratio: 1, of: rows, pool: WorkerPool(threads: 2))
    let coder = try SparseCoder(given, pool: WorkerPool(threads: 1))
    var codes = [Float](repeating: 1, count: 200 * 200)
    coder.encode(problem.rows, count: 200, into: &codes)
    #expect(codes.allSatisfy { abs($0) < 1e-5 })
  }

  @Test func bytesStandForShares() throws {
    let bytes = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    let asBytes = try RowStore(Streams.reader(Streams.npy("|u1", "(40, 5)", data: bytes)))
    let asFloats = try store(bytes.map { Float($0) / 255 }, width: 5)
    #expect(
      try learn(asBytes, atoms: 7).dictionary.atoms == learn(asFloats, atoms: 7).dictionary.atoms)
  }
}
