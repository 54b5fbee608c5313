import Testing
import VAECore

struct NeighboursTests {
  /// Every other row, nearest first, by distances in `Double`.
  private func naive(_ values: [Float], width: Int, row: Int) -> [(Double, Int)] {
    (0..<(values.count / width)).filter { $0 != row }.map { other in
      let squared = (0..<width).reduce(0.0) {
        let difference = Double(values[row * width + $1]) - Double(values[other * width + $1])
        return $0 + difference * difference
      }
      return (squared, other)
    }.sorted { $0.0 < $1.0 }
  }

  private func expectNearest(_ values: [Float], width: Int, count: Int) throws {
    let found = try Neighbours(
      of: Analysis.store(values, width: width), count: count, pool: try WorkerPool(threads: 2))
    for row in stride(from: 0, to: found.rows, by: 7) {
      let range = (row * count)..<((row + 1) * count)
      let all = naive(values, width: width, row: row)
      let own = found.indices[range].map(Int.init)
      #expect(Set(own).count == count && !own.contains(row))
      // Equal distances may come in any order: the distances themselves must be the smallest.
      let places = Dictionary(uniqueKeysWithValues: all.map { ($0.1, $0.0) })
      for (rank, other) in own.enumerated() {
        let distance = places[other] ?? .infinity
        #expect(distance <= all[rank].0 * (1 + 1e-5) + 1e-9)
      }
    }
  }

  /// More rows than a block of candidates holds, and fewer.
  @Test(arguments: [(1500, 3, 20), (100, 17, 99), (2, 4, 1), (130, 1, 5)])
  func areTheNearest(_ rows: Int, width: Int, count: Int) throws {
    try expectNearest(Analysis.normals(rows, width), width: width, count: count)
  }

  @Test func areFoundAmongEqualRows() throws {
    try expectNearest((0..<600).map { Float($0 / 3 % 20) }, width: 3, count: 30)
  }

  /// Lengths that `Float` cannot square, and rows far from the origin.
  @Test(arguments: [Float(1e25), 1e-25]) func areFoundAtAnyScale(_ scale: Float) throws {
    let values = Analysis.normals(200, 4)
    let pool = try WorkerPool(threads: 1)
    let found = try Neighbours(of: Analysis.store(values, width: 4), count: 5, pool: pool)
    let scaled = try Neighbours(
      of: Analysis.store(values.map { $0 * scale }, width: 4), count: 5, pool: pool)
    #expect(found.indices == scaled.indices)
    let moved = try Neighbours(
      of: Analysis.store(values.map { $0 + 300 }, width: 4), count: 5, pool: pool)
    let same = zip(found.indices, moved.indices).count { $0 == $1 }
    #expect(same > 990)
  }

  @Test func doNotDependOnThreads() throws {
    let rows = try Analysis.store(Analysis.normals(700, 6), width: 6)
    let one = try Neighbours(of: rows, count: 9, pool: try WorkerPool(threads: 1))
    let three = try Neighbours(of: rows, count: 9, pool: try WorkerPool(threads: 3))
    #expect(one.indices == three.indices && one.squaredDistances == three.squaredDistances)
  }
}
