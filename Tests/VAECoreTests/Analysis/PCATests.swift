import Testing
import VAECore

struct PCATests {
  private func project(_ pca: PCA, _ rows: RowStore, whiten: Bool = false) throws -> [Float] {
    let projector = try PCAProjector(pca, whiten: whiten, pool: try WorkerPool(threads: 2))
    return try Analysis.values(
      try Streams.written { try projector.stream(rows, to: $0, rowShape: [pca.count]) })
  }

  @Test func equalsScikitLearn() throws {
    let rows = try Analysis.goldenStore()
    let pca = try PCA(of: rows, components: 3, pool: try WorkerPool(threads: 2))
    let variance = try Analysis.golden("pca-variance")
    #expect(Analysis.difference(pca.explainedVariance, variance.map { $0[0] }) < 1e-6)
    #expect(Analysis.difference(pca.explainedVarianceRatio, variance.map { $0[1] }) < 1e-6)
    for whiten in [false, true] {
      let golden = try Analysis.golden(whiten ? "pca-whitened" : "pca-projected")
      let projected = try project(pca, rows, whiten: whiten)
      #expect(Analysis.difference(projected, golden.flatMap(\.self)) < 1e-6)
    }
  }

  /// Widths around that of a panel, counts around that of a batch, few rows and many.
  @Test(arguments: [(2, 1), (3, 5), (40, 16), (127, 17), (129, 33), (500, 3)])
  func componentsDiagonaliseTheCovariance(_ count: Int, width: Int) throws {
    let values = Analysis.normals(count, width).enumerated().map { index, value in
      1000 + value * Float(1 + index % width)
    }
    let components = min(count, width)
    let pca = try PCA(
      of: Analysis.store(values, width: width), components: components,
      pool: try WorkerPool(threads: 3))

    func mean(_ column: Int) -> Double {
      (0..<count).reduce(0.0) { $0 + Double(values[$1 * width + column]) } / Double(count)
    }
    let means = (0..<width).map(mean)
    #expect(Analysis.difference(pca.mean, means) < 1e-12)
    let centred = values.enumerated().map { Double($1) - means[$0 % width] }
    let covariance = (0..<(width * width)).map { place in
      (0..<count).reduce(0.0) {
        $0 + centred[$1 * width + place / width] * centred[$1 * width + place % width]
      } / Double(count - 1)
    }
    let scale = pca.explainedVariance[0]
    for (index, variance) in pca.explainedVariance.enumerated() {
      let vector = Array(pca.components[(index * width)..<((index + 1) * width)])
      for i in 0..<width {
        let product = (0..<width).reduce(0.0) { $0 + covariance[i * width + $1] * vector[$1] }
        #expect((product - variance * vector[i]).magnitude < 1e-10 * scale)
      }
      for other in 0...index {
        let product = (0..<width).reduce(0.0) {
          $0 + vector[$1] * pca.components[other * width + $1]
        }
        #expect((product - (other == index ? 1 : 0)).magnitude < 1e-10)
      }
      let longest = vector.max { $0.magnitude < $1.magnitude } ?? 0
      #expect(longest > 0)
      if index > 0 { #expect(variance <= pca.explainedVariance[index - 1]) }
    }
    let total = (0..<width).reduce(0.0) { $0 + covariance[$1 * width + $1] }
    #expect((pca.explainedVarianceRatio[0] - scale / total).magnitude < 1e-10)
  }

  @Test func doesNotDependOnThreads() throws {
    let rows = try Analysis.store(Analysis.normals(1000, 40), width: 40)
    let one = try PCA(of: rows, components: 5, pool: try WorkerPool(threads: 1))
    #expect(try PCA(of: rows, components: 5, pool: try WorkerPool(threads: 3)) == one)
  }

  @Test func bytesStandForShares() throws {
    let bytes = (0..<60).map { UInt8(truncatingIfNeeded: $0 * $0 * 7) }
    let store = try RowStore(
      try Streams.reader(Streams.npy("|u1", "(20, 3)", data: bytes)))
    let same = try Analysis.store(bytes.map { Float($0) / 255 }, width: 3)
    let pool = try WorkerPool(threads: 1)
    #expect(
      try PCA(of: store, components: 3, pool: pool) == PCA(of: same, components: 3, pool: pool))
  }

  @Test func rowsWithoutVarianceProjectToNothing() throws {
    let rows = try Analysis.store([Float](repeating: 7, count: 30), width: 3)
    let pca = try PCA(of: rows, components: 2, pool: try WorkerPool(threads: 1))
    #expect(pca.explainedVariance == [0, 0] && pca.explainedVarianceRatio == [0, 0])
    #expect(try project(pca, rows, whiten: true) == [Float](repeating: 0, count: 20))
  }

  @Test func refusesWhatHasNoComponents() throws {
    let pool = try WorkerPool(threads: 1)
    #expect(throws: AnalysisError.tooFewRows(name: "x.npy", expected: 2, got: 1)) {
      try PCA(of: Analysis.store([1, 2], width: 2), components: 1, pool: pool)
    }
    for (count, width) in [(3, 9), (9, 3)] {
      #expect(throws: AnalysisError.tooManyComponents(name: "x.npy", most: 3, asked: 4)) {
        try PCA(
          of: Analysis.store(Analysis.normals(count, width), width: width), components: 4,
          pool: pool)
      }
    }
    #expect(throws: AnalysisError.rowsTooWide(name: "x.npy", most: 16_384, got: 16_385)) {
      let values = [Float](repeating: 0, count: 2 * 16_385)
      return try PCA(of: Analysis.store(values, width: 16_385), components: 1, pool: pool)
    }
  }

  @Test func isSavedAndReadAgain() throws {
    let rows = try Analysis.goldenStore()
    let pca = try PCA(of: rows, components: 3, pool: try WorkerPool(threads: 1))
    let file = try Streams.written(pca.write)
    #expect(try Streams.written(pca.write) == file)
    let again = try PCA(ByteSource(bytes: file, name: "x.pca"))
    #expect(again.components == pca.components.map { Double(Float($0)) })
    #expect(again.mean == pca.mean.map { Double(Float($0)) })
    #expect(Analysis.difference(try project(again, rows), try project(pca, rows)) < 1e-6)

    let two = try again.prefix(2, name: "x.pca")
    #expect(two.count == 2 && two.width == 7)
    #expect(two.components == Array(again.components.prefix(14)))
    #expect(throws: AnalysisError.tooManyComponents(name: "x.pca", most: 3, asked: 4)) {
      try again.prefix(4, name: "x.pca")
    }
    let other = try Streams.written {
      try SafetensorsWriter.write([], metadata: ["vae-tools.kind": "vae"], to: $0)
    }
    #expect(throws: AnalysisError.notPCA(name: "x.vae", kind: "vae")) {
      try PCA(ByteSource(bytes: other, name: "x.vae"))
    }
  }
}
