import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct AffinitiesTests {
  @Test func equalScikitLearns() throws {
    let pool = try WorkerPool(threads: 2)
    let neighbours = try Neighbours(of: try Analysis.goldenStore(), count: 16, pool: pool)
    let affinities = Affinities(neighbours, perplexity: 5, pool: pool)
    var dense = [[Float]](repeating: [Float](repeating: 0, count: 60), count: 60)
    for row in 0..<60 {
      let range = affinities.offsets[row]..<affinities.offsets[row + 1]
      let columns = affinities.columns[range]
      #expect(Array(columns) == columns.sorted() && Set(columns).count == columns.count)
      for place in range { dense[row][Int(affinities.columns[place])] = affinities.values[place] }
    }
    // Both bisections end within 1e-5 of the entropy.
    let golden = try Analysis.golden("tsne-joint").flatMap(\.self)
    #expect(Analysis.difference(dense.flatMap(\.self), golden) < 1e-4)
    #expect((affinities.values.reduce(0.0) { $0 + Double($1) } - 1).magnitude < 1e-6)
  }

  @Test(arguments: [2.0, 5, 19]) func haveTheirPerplexity(_ perplexity: Double) {
    let distances = (0..<40).map { Float($0 * $0) / 3 + 1e6 }
    var p = [Float](repeating: 0, count: 40)
    p.withUnsafeMutableBufferPointer { p in
      distances.withUnsafeBufferPointer { Affinities.fit($0, perplexity: perplexity, into: p) }
    }
    let entropy = p.reduce(0.0) { $1 > 0 ? $0 - Double($1) * log(Double($1)) : $0 }
    #expect((exp(entropy) / perplexity - 1).magnitude < 1e-4)
  }

  /// Where no width gives the perplexity: all equal, or more neighbours than asked for coincide.
  @Test(arguments: [[Float](repeating: 2, count: 10), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1]])
  func areFiniteForEqualRows(_ distances: [Float]) {
    var p = [Float](repeating: 0, count: 10)
    p.withUnsafeMutableBufferPointer { p in
      distances.withUnsafeBufferPointer { Affinities.fit($0, perplexity: 3, into: p) }
    }
    #expect((p.reduce(0, +) - 1).magnitude < 1e-5)
    #expect(p[0] == p[7] && p[0] >= 0.1 - 1e-6)
  }
}
