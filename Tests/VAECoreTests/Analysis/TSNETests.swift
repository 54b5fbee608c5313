import Testing
import VAECore

struct TSNETests {
  private typealias Place = NaiveTSNE.Place

  private func run(
    _ rows: RowStore, threads: Int = 2, _ change: (inout TSNEOptions) -> Void = { _ in }
  ) throws -> (places: [Float], divergence: Double) {
    var options = TSNEOptions()
    change(&options)
    let tsne = try TSNE(rows, options: options, pool: try WorkerPool(threads: threads))
    let divergence = tsne.run()
    return (tsne.coordinates, divergence)
  }

  private func naive() throws -> NaiveTSNE {
    NaiveTSNE(joint: try Analysis.golden("tsne-joint").map { $0.map(Double.init) })
  }

  private func places(_ values: [Float]) -> [Place] {
    (0..<(values.count / 2)).map { Place(Double(values[2 * $0]), Double(values[2 * $0 + 1])) }
  }

  /// The reference that the steps are compared with is itself compared with scikit-learn.
  @Test func naiveGradientIsScikitLearns() throws {
    let layout = places(try Analysis.golden("tsne-layout").flatMap(\.self))
    let gradient = try naive().gradient(layout).flatMap { [$0.x, $0.y] }
    let golden = try Analysis.golden("tsne-gradient").flatMap(\.self)
    #expect(Analysis.difference(gradient, golden) < 1e-5)
    let divergence = try Analysis.golden("tsne-divergence")[0][0]
    #expect((try naive().divergence(layout) - Double(divergence)).magnitude < 1e-5)
  }

  @Test func stepsAreTheDefinitions() throws {
    let rows = try Analysis.goldenStore()
    let noise = [Float](unsafeUninitializedCapacity: 120) { buffer, count in
      count = 120
      guard let base = buffer.baseAddress else { return }
      Noise(seed: 3, purpose: .initialise).normals(into: base, rows: 60, columns: 2, stride: 2)
    }
    let pca = try PCA(of: rows, components: 2, pool: try WorkerPool(threads: 1))
    let deviation = (pca.explainedVariance[0] * 59 / 60).squareRoot()
    let projected = try Analysis.golden("pca-projected").map {
      Place(Double($0[0]), Double($0[1])) / deviation * 1e-4
    }
    for random in [true, false] {
      let start = zip(places(noise), projected).map { random ? 1e-4 * $0 : 1e-6 * $0 + $1 }
      let expected = try naive().run(start, iterations: 5, rate: 50).flatMap { [$0.x, $0.y] }
      let got = try run(rows) {
        $0.perplexity = 5
        $0.iterations = 5
        $0.randomStart = random
        $0.seed = 3
      }
      // The affinities differ by 1e-4, the tolerance of the bisections, and each step adds to that.
      #expect(Analysis.difference(got.places, expected) < 1e-3)
      let divergence = try naive().divergence(places(got.places))
      #expect((got.divergence - divergence).magnitude < 1e-4)
    }
  }

  @Test(arguments: [0.0, 0.25], [false, true])
  func cloudsStayApart(_ theta: Double, random: Bool) throws {
    let rows = try Analysis.store(Analysis.clouds(150, 10), width: 10)
    let result = try run(rows) {
      $0.perplexity = 10
      $0.iterations = 500
      $0.theta = theta
      $0.randomStart = random
    }
    let layout = places(result.places)
    for (row, place) in layout.enumerated() {
      func distance(_ other: Int) -> Double {
        let difference = layout[other] - place
        return (difference * difference).sum()
      }
      let nearest = layout.indices.filter { $0 != row }.min { distance($0) < distance($1) }
      #expect((nearest ?? 0) % 3 == row % 3)
    }
    #expect(result.divergence > 0 && result.divergence < 0.7)
  }

  @Test(arguments: [0.0, 0.25]) func doesNotDependOnThreads(_ theta: Double) throws {
    let rows = try Analysis.store(Analysis.clouds(400, 5, distance: 3), width: 5)
    let results = try [1, 2, 3].map { threads in
      try run(rows, threads: threads) {
        $0.iterations = 100
        $0.theta = theta
      }.places
    }
    #expect(results[0] == results[1] && results[0] == results[2])
  }

  @Test func seedsMatter() throws {
    let rows = try Analysis.store(Analysis.normals(50, 3), width: 3)
    let results = try [0, 0, 1].map { (seed: UInt64) in
      try run(rows) {
        $0.perplexity = 5
        $0.iterations = 20
        $0.seed = seed
      }.places
    }
    #expect(results[0] == results[1] && results[0] != results[2])
  }

  /// Rows of one number, equal rows, as many neighbours as rows.
  @Test func takesAnyRows() throws {
    let cases: [([Float], Int)] = [
      (Analysis.normals(40, 1), 1), ([Float](repeating: 5, count: 80), 2),
      ((0..<90).map { Float($0 / 30) }, 3), (Analysis.normals(4, 3), 3),
    ]
    for (values, width) in cases {
      let result = try run(try Analysis.store(values, width: width)) {
        $0.perplexity = 3
        $0.iterations = 300
      }
      #expect(result.places.count == values.count / width * 2)
      #expect(result.places.allSatisfy(\.isFinite) && result.divergence.isFinite)
    }
  }

  @Test func writesPointsAndTellsOfItsWay() throws {
    var options = TSNEOptions()
    options.perplexity = 5
    options.iterations = 120
    let rows = try Analysis.store(Analysis.normals(30, 3), width: 3)
    var shares: [Double] = []
    let tsne = try TSNE(rows, options: options, pool: try WorkerPool(threads: 1)) {
      if case .neighbours(let share) = $0 { shares.append(share) }
    }
    #expect(shares.last == 1)
    var known: [Int] = []
    var done: [Int] = []
    _ = tsne.run {
      guard case .iteration(let iteration, let divergence) = $0 else { return }
      done.append(iteration)
      if divergence != nil { known.append(iteration) }
    }
    #expect(done == Array(1...120) && known == [50, 100, 120])
    let file = try Streams.written(tsne.write)
    #expect(file == Streams.written(rows: tsne.coordinates))
  }

  @Test func refusesTooFewRows() throws {
    let rows = try Analysis.store(Analysis.normals(30, 3), width: 3)
    #expect(throws: AnalysisError.perplexity(name: "x.npy", 30, rows: 30)) { try run(rows) }
    let one = try Analysis.store([1, 2], width: 2)
    #expect(throws: AnalysisError.perplexity(name: "x.npy", 1, rows: 1)) {
      try run(one) { $0.perplexity = 1 }
    }
  }
}

extension Streams {
  /// The file of points.
  fileprivate static func written(rows values: [Float]) -> [UInt8] {
    let shape = "(\(values.count / 2), 2)"
    let text = "{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }"
    let padding = String(repeating: " ", count: 117 - text.utf8.count)
    return npy(header: text + padding + "\n", data: bytes(values))
  }
}
