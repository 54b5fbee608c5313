import Testing
import VAECore

struct StreamComparisonTests {
  private func compare(
    _ a: [UInt8], _ b: [UInt8], absolute: Double = 1e-8, relative: Double = 1e-5,
    equalNaN: Bool = false, scaleBytes: Bool = false
  ) throws -> StreamComparison {
    var tolerance = Tolerance()
    tolerance.absolute = absolute
    tolerance.relative = relative
    tolerance.equalNaN = equalNaN
    return try StreamComparison(
      try TensorReader(ByteSource(bytes: a, name: "a")),
      try TensorReader(ByteSource(bytes: b, name: "b")), within: tolerance, scaleBytes: scaleBytes)
  }

  private func rows(_ values: Float...) -> [UInt8] {
    Streams.rows(values, shape: "(\(values.count / 2), 2)")
  }

  @Test func worstPlaceIsNamed() throws {
    let result = try compare(rows(1, 2, 3, 4, 5, 6), rows(1, 2.5, 3, 3, 5, 6))
    #expect(!result.isClose)
    #expect(result.different == 2 && result.compared == 6)
    #expect(result.worst?.row == 1 && result.worst?.element == 1)
    #expect(result.text == "a b differ: 2 of 6 values, most at row 1, element 1: 4 against 3")
  }

  @Test func toleranceIsThatOfAllclose() throws {
    let (a, b) = (rows(100, 0), rows(100.25, 0))
    #expect(try compare(a, a, absolute: 0, relative: 0).isClose)
    #expect(try !compare(a, b).isClose)
    #expect(try compare(a, b, absolute: 0.25, relative: 0).isClose)
    #expect(try !compare(a, b, absolute: 0.249, relative: 0).isClose)
    #expect(try compare(a, b, absolute: 0, relative: 0.25 / 100.25).isClose)
    // The share is of b, not of a.
    #expect(try !compare(b, a, absolute: 0, relative: 0.25 / 100.25).isClose)
  }

  @Test func infinitiesAndNaNs() throws {
    #expect(try compare(rows(.infinity, 1), rows(.infinity, 1)).isClose)
    #expect(try !compare(rows(1, 1), rows(.infinity, 1)).isClose)
    #expect(try !compare(rows(-.infinity, 1), rows(.infinity, 1)).isClose)
    #expect(try !compare(rows(.nan, 1), rows(.nan, 1)).isClose)
    #expect(try compare(rows(.nan, 1), rows(.nan, 1), equalNaN: true).isClose)
    #expect(try !compare(rows(.nan, 1), rows(1, 1), equalNaN: true).isClose)
    // Farther off than any number, even when it comes later.
    let worst = try compare(rows(9, 1, 1, .nan), rows(1, 1, 1, 1)).worst
    #expect(worst?.row == 1 && worst?.element == 1)
  }

  @Test func shapesAndTypesMayDiffer() throws {
    let bytes = Streams.npy("|u1", "(1, 2, 1)", data: [0, 255])
    #expect(try compare(bytes, rows(0, 255)).isClose)
    #expect(try compare(bytes, rows(0, 1), scaleBytes: true).isClose)
    #expect(try compare(rows(1, 2) + rows(3, 4), rows(1, 2, 3, 4)).isClose)
  }

  @Test func countsThatDifferAreNamed() throws {
    let flat = Streams.rows([1, 2], shape: "(2,)")
    #expect(try compare(rows(1, 2), flat).text == "a b differ: rows of 2 values against 1")
    let longer = rows(1, 2, 3, 4) + rows(5, 6)
    #expect(try compare(rows(1, 2), longer).text == "a b differ: 1 rows against 3")
    #expect(try !compare(longer, rows(1, 2)).isClose)
  }
}
