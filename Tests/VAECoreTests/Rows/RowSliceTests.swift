import Testing
import VAECore

struct RowSliceTests {
  /// The rows that a slice takes, by walking.
  private func rows(_ text: String, of length: Int) throws -> [Int] {
    let slice = try #require(RowSlice(text))
    let (first, count) = slice.rows(of: length)
    return (0..<count).map { first + $0 * slice.step }
  }

  @Test func textIsPythons() {
    let wrong = ["", "5", "a:b", "1:2:3:4", "1:2:0", "1 :2", ":x", "--1:", "1:\(UInt64.max)"]
    for text in wrong {
      #expect(RowSlice(text) == nil, "\(text)")
    }
    #expect(RowSlice(":") == RowSlice("::"))
    #expect(RowSlice(":7") == RowSlice(first: 7))
    #expect(RowSlice("-3:-1:2")?.start == -3)
  }

  /// What Python 3 gives for `list(range(5))[text]`.
  @Test func rowsArePythons() throws {
    let cases: [(String, [Int])] = [
      (":", [0, 1, 2, 3, 4]), ("1:3", [1, 2]), ("-2:", [3, 4]), (":-2", [0, 1, 2]),
      ("-9:2", [0, 1]), ("3:99", [3, 4]), ("4:2", []), ("7:", []), ("::2", [0, 2, 4]),
      ("1::3", [1, 4]), ("::-1", [4, 3, 2, 1, 0]), ("::-2", [4, 2, 0]), ("3:0:-1", [3, 2, 1]),
      ("99:-99:-3", [4, 1]), ("-1:-3:-1", [4, 3]), ("0:3:-1", []), ("2:-9:-5", [2]),
    ]
    for (text, expected) in cases { #expect(try rows(text, of: 5) == expected, "\(text)") }
    #expect(try rows("::-1", of: 0) == [])
    #expect(try rows("-1:", of: 0) == [])
  }

  @Test func extremesDoNotOverflow() throws {
    let slice = try #require(RowSlice("\(Int.min):\(Int.max):\(Int.max)"))
    #expect(slice.rows(of: 5) == (0, 1))
    let back = try #require(RowSlice("\(Int.max):\(Int.min):\(Int.min)"))
    #expect(back.rows(of: 5) == (4, 1))
    #expect(RowSlice(first: .max).rows(of: .max) == (0, .max))
  }

  private func sliced(_ text: String, _ bytes: [UInt8]) throws -> [UInt8] {
    let slice = try #require(RowSlice(text))
    return try Streams.written { sink in
      let source = ByteSource(bytes: bytes, name: "x.npy", pieceSize: 100)
      try writeSlice(slice, of: try TensorInput(source), to: sink)
    }
  }

  @Test func sliceOfAPipeIsThatOfAFile() throws {
    let values = (0..<60).map { Float($0) }
    // (20, 3) in arrays of 8 and 12 rows.
    let stream =
      Streams.rows(Array(values[..<24]), shape: "(8, 3)")
      + Streams.rows(Array(values[24...]), shape: "(12, 3)")
    try Streams.withTemporaryFolder { folder in
      let path = folder + "/x.npy"
      try Streams.write(stream, to: path)
      for text in [":", "3:6", "15:", "-4:", ":-18", "::7", "19::-6", "25:", "2:99:5"] {
        let picked = try rows(text, of: 20).flatMap { Array(values[(3 * $0)..<(3 * $0 + 3)]) }
        let expected = try Streams.written { sink in
          let writer = try TensorWriter(sink, type: .f4, rowShape: [3], rows: picked.count / 3)
          try picked.withUnsafeBufferPointer(writer.write)
          try writer.finish()
        }
        #expect(try sliced(text, stream) == expected, "\(text)")
        let slice = try #require(RowSlice(text))
        let fromFile = try Streams.written {
          try writeSlice(slice, of: try TensorInput(path: path), to: $0)
        }
        #expect(fromFile == expected, "\(text)")
      }
    }
  }

  @Test func bytesStayBytes() throws {
    let stream = Streams.npy("|u1", "(3, 2)", data: [1, 2, 3, 4, 5, 6])
    let result = try sliced("2:0:-1", stream)
    #expect(Array(result.suffix(4)) == [5, 6, 3, 4])
    #expect(result.count == 132)
  }

  @Test func nothingIsReadBehindTheSlice() throws {
    // The rest is damaged, which nobody sees.
    let stream = Streams.npy("|u1", "(1000, 2)", data: [1, 2, 3, 4])
    #expect(Array(try sliced(":2", stream).suffix(4)) == [1, 2, 3, 4])
    #expect(throws: StreamError.endsEarly(name: "x.npy", expected: 1000, got: 2, bytes: 0)) {
      try sliced(":3", stream)
    }
  }
}
