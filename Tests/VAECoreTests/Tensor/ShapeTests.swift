import Testing
import VAECore

struct ShapeTests {
  @Test func countsElements() throws {
    #expect(try Shape([10, 28, 28]).count == 7840)
    #expect(try Shape([]).count == 1)
    #expect(try Shape([5, 0]).count == 0)
    #expect(try Shape([10, 3]).byteCount(of: .f8) == 240)
  }

  @Test func printsAsPython() throws {
    #expect(try Shape([10, 3]).description == "(10, 3)")
    #expect(try Shape([5]).description == "(5,)")
    #expect(try Shape([]).description == "()")
  }

  @Test func refusesNegativeDimensions() {
    #expect(throws: ShapeError.negative([3, -1])) { try Shape([3, -1]) }
    #expect(throws: ShapeError.negative([0, -1])) { try Shape([0, -1]) }
    #expect(throws: ShapeError.negative([.min])) { try Shape([.min]) }
  }

  @Test func refusesOverflow() throws {
    #expect(throws: ShapeError.overflow([1 << 32, 1 << 32])) { try Shape([1 << 32, 1 << 32]) }
    // Empty axes hide no product that overflows, wherever they stand.
    for dimensions in [[0, 1 << 32, 1 << 32], [1 << 32, 0, 1 << 32], [1 << 32, 1 << 32, 0]] {
      #expect(throws: ShapeError.overflow(dimensions)) { try Shape(dimensions) }
    }
    let largest = try Shape([.max])
    #expect(try largest.byteCount(of: .u1) == .max)
    #expect(throws: ShapeError.overflow([.max])) { try largest.byteCount(of: .f4) }
  }

  @Test func describesErrorsWithoutFlooding() {
    let error = ShapeError.overflow(Array(repeating: 9, count: 10_000))
    #expect(error.description.utf8.count < 200)
    #expect(error.description.hasSuffix("9, 9, ...) holds more than can be addressed"))
  }
}
