import Testing
import VAECore

struct JoinRowsTests {
  private let labels = Streams.npy("|u1", "(2,)", data: [7, 255])
  private let bytes = Streams.npy("|u1", "(2, 2)", data: [0, 51, 102, 255])
  private let floats = Streams.rows([1, 2, 3, 4], shape: "(2, 2)")

  private func join(
    _ streams: [[UInt8]], columns: Bool = false, bytes: ByteMeaning? = nil
  ) throws -> (shape: [Int], type: ElementType, values: [Float]) {
    let result = try Streams.written { sink in
      let inputs = try streams.enumerated().map { index, stream in
        try TensorInput(ByteSource(bytes: stream, name: "\(index).npy", pieceSize: 50))
      }
      try (columns ? joinColumns : joinRows)(inputs, bytes, false, sink)
    }
    let reader = try Streams.reader(result)
    let values = try Streams.floats(result, scaleBytes: false, finite: false)
    #expect(reader.declaredRows * reader.rowSize == values.count)
    return ([reader.declaredRows] + reader.rowShape, reader.elementType, values)
  }

  @Test func rowsComeAfterEachOther() throws {
    #expect(try join([floats, floats]) == ([4, 2], .f4, [1, 2, 3, 4, 1, 2, 3, 4]))
    #expect(try join([bytes, bytes]) == ([4, 2], .u1, [0, 51, 102, 255, 0, 51, 102, 255]))
    #expect(try join([bytes]) == ([2, 2], .u1, [0, 51, 102, 255]))
  }

  @Test func rowsOfAsManyValuesAreAlike() throws {
    let others = Streams.rows([5, 6, 7, 8], shape: "(2, 1, 2)")
    #expect(try join([floats, others]) == ([4, 2], .f4, [1, 2, 3, 4, 5, 6, 7, 8]))
    #expect(throws: StreamError.wrongRowSize(name: "1.npy", row: 0, expected: 2, got: 1)) {
      try join([bytes, labels])
    }
  }

  @Test func bytesAmongFloatsNeedAMeaning() throws {
    #expect(
      throws: JoinError.mixedTypes(name: "1.npy", got: .u1, other: "0.npy", expected: .f4)
    ) {
      try join([floats, bytes])
    }
    let unit: [Float] = [0, 51 / 255, 102 / 255, 1]
    #expect(try join([floats, bytes], bytes: .unit) == ([4, 2], .f4, [1, 2, 3, 4] + unit))
    #expect(try join([bytes], bytes: .plain) == ([2, 2], .f4, [0, 51, 102, 255]))
  }

  @Test func columnsStandSideBySide() throws {
    let result = try join([floats, labels], columns: true, bytes: .plain)
    #expect(result == ([2, 3], .f4, [1, 2, 7, 3, 4, 255]))
    #expect(try join([bytes, labels], columns: true) == ([2, 3], .u1, [0, 51, 7, 102, 255, 255]))
    // As np.concatenate(axis=1) where the other axes agree.
    let images = Streams.npy("|u1", "(1, 1, 2)", data: [1, 2])
    let taller = Streams.npy("|u1", "(1, 2, 2)", data: [3, 4, 5, 6])
    #expect(try join([images, taller], columns: true) == ([1, 3, 2], .u1, [1, 2, 3, 4, 5, 6]))
  }

  @Test func columnsNeedAsManyRows() throws {
    let longer = Streams.rows([1, 2, 3], shape: "(3,)")
    #expect(
      throws: JoinError.rowsDiffer(
        name: "0.npy", rows: .exactly(2), other: "1.npy", expected: .atLeast(3))
    ) {
      try join([floats, longer], columns: true)
    }
  }

  /// Files are counted before anything is written, chunks of a file too.
  @Test func filesAreCounted() throws {
    try Streams.withTemporaryFolder { folder in
      let path = folder + "/x.npy"
      try Streams.write(floats + floats, to: path)
      let input = try TensorInput(path: path)
      #expect(input.rows == .exactly(4))
      #expect(try TensorInput(try ByteSource(path: path)).rows == .exactly(4))
      try Streams.write(Array((floats + floats).dropLast()), to: path)
      #expect(throws: StreamError.endsEarly(name: path, expected: 4, got: 3, bytes: 7)) {
        try TensorInput(path: path)
      }
      let pipe = ByteSource(bytes: floats + floats, name: "x")
      #expect(try TensorInput(pipe).rows == .atLeast(2))
    }
  }
}
