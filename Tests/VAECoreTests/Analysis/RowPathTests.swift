import Testing
import VAECore

struct RowPathTests {
  private func path(_ stream: [UInt8], steps: Int, _ kind: PathKind = .straight) throws -> [UInt8] {
    let reader = try Streams.reader(stream, pieceSize: 30)
    return try Streams.written { try writePath(through: reader, steps: steps, kind: kind, to: $0) }
  }

  @Test func rowsComeOnceWithStepsBetween() throws {
    let stream =
      Streams.rows([0, 1], shape: "(1, 2)") + Streams.rows([4, 1, 4, 3], shape: "(2, 2)")
    let result = try path(stream, steps: 4)
    #expect(try Streams.reader(result).declaredRows == 9)
    #expect(
      try Streams.floats(result) == [0, 1, 1, 1, 2, 1, 3, 1, 4, 1, 4, 1.5, 4, 2, 4, 2.5, 4, 3])
    #expect(try Streams.floats(try path(stream, steps: 1)) == [0, 1, 4, 1, 4, 3])
  }

  @Test func oneRowIsItsOwnPath() throws {
    let row = Streams.rows([7, 8], shape: "(1, 2)")
    #expect(try Streams.floats(try path(row, steps: 5)) == [7, 8])
    #expect(try Streams.reader(try path(Streams.npy("<f4", "(0, 2)"), steps: 5)).declaredRows == 0)
  }

  @Test func bytesStandForPixels() throws {
    let stream = Streams.npy("|u1", "(2, 1)", data: [0, 255])
    #expect(try Streams.floats(try path(stream, steps: 2)) == [0, 0.5, 1])
  }

  @Test func arcKeepsAnglesEven() throws {
    let half = Float(0.5).squareRoot()
    let result = try Streams.floats(
      try path(Streams.rows([1, 0, 0, 1], shape: "(2, 2)"), steps: 2, .spherical))
    #expect(Array(result[..<2]) == [1, 0] && Array(result[4...]) == [0, 1])
    // A half turn of the last bit of sin.
    for value in result[2..<4] { #expect(abs(value - half) <= half.ulp) }
    // Rows of other lengths: sin(π/4)/sin(π/2) of each.
    let longer = try Streams.floats(
      try path(Streams.rows([2, 0, 0, 4], shape: "(2, 2)"), steps: 2, .spherical))
    #expect(abs(longer[2] - 2 * half) <= 2e-7 && abs(longer[3] - 4 * half) <= 4e-7)
  }

  @Test func withoutAnArcThePathIsStraight() throws {
    for values: [Float] in [[1, 2, 2, 4], [1, 2, -1, -2], [0, 0, 3, 5]] {
      let stream = Streams.rows(values, shape: "(2, 2)")
      #expect(try path(stream, steps: 3, .spherical) == path(stream, steps: 3))
    }
  }

  @Test func notANumberIsRefused() throws {
    let stream = Streams.rows([1, .nan], shape: "(2,)")
    #expect(throws: StreamError.self) { try path(stream, steps: 2) }
  }
}
