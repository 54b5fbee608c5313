import Testing
import VAECore

@Suite struct ImageShapeTests {
  private func shape(
    _ rowShape: [Int], _ size: (Int, Int)? = nil, last: Bool = false
  ) throws -> [Int] {
    let size = size.map { PixelSize(width: $0.1, height: $0.0) }
    let shape = try ImageShape(rowShape: rowShape, size: size, channelsLast: last, name: "x")
    return [shape.channels, shape.height, shape.width]
  }

  @Test func shapesArePictures() throws {
    #expect(try shape([5, 7]) == [1, 5, 7])
    #expect(try shape([3, 5, 7]) == [3, 5, 7])
    #expect(try shape([5, 7, 4], last: true) == [4, 5, 7])
  }

  @Test func flatRowsAreSquares() throws {
    #expect(try shape([784]) == [1, 28, 28])
    #expect(try shape([3072]) == [3, 32, 32])
    #expect(try shape([4096]) == [1, 64, 64])
    #expect(try shape([1]) == [1, 1, 1])
  }

  @Test func sizeSaysHowToSeeAnyRow() throws {
    #expect(try shape([6], (2, 3)) == [1, 2, 3])
    #expect(try shape([18], (2, 3)) == [3, 2, 3])
    #expect(try shape([4, 6], (2, 3)) == [4, 2, 3])
    #expect(try shape([], (1, 1)) == [1, 1, 1])
  }

  @Test func otherRowsAreNoPictures() {
    for rowShape in [[], [2, 5, 7], [1, 3, 5, 7]] {
      #expect(throws: GridError.noPictureShape(name: "x", rowShape: rowShape)) {
        try shape(rowShape)
      }
    }
    #expect(throws: GridError.notSquare(name: "x", count: 20)) { try shape([20]) }
    for size in [(2, 2), (5, 5), (1 << 32, 1 << 32)] {
      #expect(
        throws: GridError.otherSize(name: "x", count: 9, height: size.0, width: size.1)
      ) { try shape([9], size) }
    }
  }
}
