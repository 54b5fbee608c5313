import Testing
import VAECore

/// Streams that lie, break off or go wrong: always an error that says where, never a trap.
struct HostileStreamTests {
  static let two = Streams.rows([1, 2, 3, 4, 5, 6], shape: "(2, 3)")
  static let one = Streams.rows([7, 8, 9], shape: "(1, 3)")

  @Test func emptyStreams() {
    #expect(throws: StreamError.noData(name: "x.npy")) { try Streams.reader([]) }
    #expect(throws: StreamError.noData(name: "x.npy")) { try Streams.reader(Gzip.member([])) }
    #expect(StreamError.noData(name: "x").kind == .badData)
  }

  @Test func streamsOfNoRows() throws {
    let empty = Streams.rows([], shape: "(0, 3)")
    #expect(try Streams.floats(empty) == [])
    #expect(try Streams.floats(empty + Self.one + empty + empty + Self.one).count == 6)
  }

  @Test(arguments: ["False", "True"]) func cutsAreNoticedAtEveryByte(_ fortran: String) throws {
    let first = Streams.npy(
      "<f4", "(2, 3)", fortran: fortran, data: Streams.bytes([1, 2, 3, 4, 5, 6]))
    let stream = first + Self.one
    for cut in 0..<stream.count where cut != first.count {
      for pieceSize in [1, Int.max] {
        let error = #expect(throws: StreamError.self, "cut at \(cut)") {
          try Streams.floats(Array(stream[..<cut]), pieceSize: pieceSize)
        }
        #expect(error?.kind == .badData)
      }
    }
    #expect(try Streams.floats(first).count == 6)
    #expect(try Streams.floats(stream).count == 9)
  }

  @Test func cutsAreDescribed() {
    let stream = Self.two + Self.one
    #expect(throws: StreamError.endsEarly(name: "x.npy", expected: 3, got: 2, bytes: 5)) {
      try Streams.floats(Array(stream.dropLast(7)))
    }
    #expect(throws: StreamError.endsEarly(name: "x.npy", expected: 2, got: 1, bytes: 0)) {
      try Streams.floats(Array(Self.two.dropLast(12)))
    }
    #expect(
      StreamError.endsEarly(name: "x.npy", expected: 3, got: 1, bytes: 5).description
        == "x.npy: data ends early: expected 3 rows, got 1 and 5 bytes more")
  }

  @Test func flipsOfHeaderBytesAreErrorsOrHeaders() {
    let header = Self.two.count - 24
    for place in 0..<header {
      for value in (0..<8).map({ Self.two[place] ^ 1 << $0 }) + [0, 255] + Array("09(),'L-".utf8) {
        var stream = Self.two
        stream[place] = value
        do {
          // What is still well formed may hold no more values than there are bytes.
          #expect(try Streams.floats(stream, finite: false).count <= 24)
        } catch {
          #expect((error as? StreamError)?.kind == .badData, "byte \(place)")
        }
      }
    }
  }

  @Test(arguments: [
    "(1000000000000,)", "(1000000000000, 2)", "(1, 1000000000000)", "(3, 5, 1000000)",
  ])
  func claimsAllocateNothing(_ shape: String) {
    for fortran in ["False", "True"] {
      for type in ["<f4", "|u1", ">i2"] {
        let file = Streams.npy(type, shape, fortran: fortran, data: Array(repeating: 1, count: 8))
        let clock = ContinuousClock()
        let time = clock.measure {
          let error = #expect(throws: StreamError.self) { try Streams.floats(file, rows: .max) }
          guard case .endsEarly = error else {
            Issue.record("\(error as Any)")
            return
          }
          #expect(throws: StreamError.self) { try RowStore(Streams.reader(file)) }
        }
        #expect(time < .seconds(1))
      }
    }
  }

  @Test func garbageBehindAnArray() {
    for garbage in ["x", "hello", "hello world", "\n", "\0\0\u{7f}\u{1}"] {
      let bytes = Array(garbage.utf8)
      #expect(
        throws: StreamError.notATensor(
          name: "x.npy", row: 2, byte: Self.two.count, got: Array(bytes.prefix(16)))
      ) { try Streams.floats(Self.two + bytes) }
    }
    #expect(
      StreamError.notATensor(name: "x.npy", row: 2, byte: 90, got: Array("hello\u{1b}".utf8))
        .description
        == "x.npy: row 2: expected another .npy array or IDX file at byte 90, got 'hello\\x1b'")
  }

  @Test func arraysThatDisagree() {
    #expect(throws: StreamError.rowShapeChanged(name: "x.npy", row: 2, expected: [3], got: [3, 1]))
    {
      try Streams.floats(Self.two + Streams.rows([1, 2, 3], shape: "(1, 3, 1)"))
    }
    #expect(throws: StreamError.typeChanged(name: "x.npy", row: 2, expected: .f4, got: .u1)) {
      try Streams.floats(Self.two + Streams.npy("|u1", "(1, 3)", data: [1, 2, 3]))
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity, .signalingNaN])
  func valuesThatAreNotFinite(_ value: Float) throws {
    let values: [Float] = [1, 2, 3, 4, value, 6]
    let stream = Self.one + Streams.rows(values, shape: "(2, 3)")
    let error = #expect(throws: StreamError.self) { try Streams.floats(stream) }
    #expect(
      error
        == .notFinite(name: "x.npy", row: 2, element: 1, value: "\(value)"))
    #expect(try Streams.floats(stream, finite: false).count == 9)
  }

  @Test func doublesPastTheRangeOfFloats() {
    let bytes = withUnsafeBytes(of: (-1e300).bitPattern.bigEndian) { Array($0) }
    let error = #expect(throws: StreamError.self) {
      try Streams.floats(Streams.npy(">f8", "(1, 1)", data: bytes))
    }
    #expect(
      error?.description
        == "x.npy: row 0: element 0 is -1e+300, past the range of f4, expected finite numbers")
  }

  @Test(arguments: [0, 1, 63, 64, 1000, 99_999]) func findsTheOneThatIsNotFinite(_ place: Int) {
    var values = (0..<100_000).map { Float($0) * 1e33 }
    values[place] = .nan
    #expect(throws: StreamError.notFinite(name: "x.npy", row: place, element: 0, value: "nan")) {
      try Streams.floats(Streams.rows(values, shape: "(100000,)"), rows: 100_000)
    }
  }
}
