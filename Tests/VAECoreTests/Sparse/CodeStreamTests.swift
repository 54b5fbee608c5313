import Testing
import VAECore

struct CodeStreamTests {
  private let problem = SparseProblem(rows: 700, atoms: 18, width: 6)

  private func stream(
    _ coder: SparseCoder, _ format: CodeFormat, pieceSize: Int = .max
  ) throws -> [UInt8] {
    let reader = try Streams.reader(
      Streams.rows(problem.rows, shape: "(700, 2, 3)"), pieceSize: pieceSize)
    return try Streams.written { try coder.stream(reader, to: $0, format: format) }
  }

  @Test func codesAllRowsInOrder() throws {
    let options = SparseOptions(lambda: 0.4)
    let bytes = try stream(problem.coder(options), .dense, pieceSize: 1000)
    let reader = try Streams.reader(bytes)
    #expect(reader.declaredRows == 700 && reader.rowShape == [18])
    #expect(try Streams.floats(bytes) == problem.codes(options).codes)
  }

  @Test func heldRowsAreTheSameStream() throws {
    let coder = try problem.coder(SparseOptions(lambda: 0.4))
    let held = try RowStore(Streams.reader(Streams.rows(problem.rows, shape: "(700, 6)")))
    let bytes = try Streams.written { try coder.stream(held, to: $0) }
    #expect(try bytes == stream(coder, .dense))
  }

  @Test(arguments: CodeFormat.allCases)
  func decodesToRows(_ format: CodeFormat) throws {
    let options = SparseOptions(lambda: 0.01)
    let coder = try problem.coder(options)
    let bytes = try stream(coder, format)
    let decoder = try SparseDecoder(coder.dictionary, pool: WorkerPool(threads: 2))
    let decoded = try Streams.written { try decoder.stream(try Streams.reader(bytes), to: $0) }
    let rows = try Streams.floats(decoded)
    let (codes, _) = try problem.codes(options)
    for i in 0..<700 {
      let r = NaiveSparse.residual(
        problem.row(i), problem.code(i, of: codes), problem.exactDictionary)
      for p in 0..<6 {
        let want = problem.row(i)[p] - r[p]
        #expect(abs(Double(rows[i * 6 + p]) - want) <= 1e-5)
      }
    }
  }

  @Test func pairsAreTheNonzeros() throws {
    let options = SparseOptions(lambda: 0.4)
    let pairs = try Streams.floats(stream(problem.coder(options), .csr), rows: 1000)
    let (codes, _) = try problem.codes(options)
    var want: [Float] = []
    for i in 0..<700 {
      let code = codes[i * 18..<(i + 1) * 18]
      for (atom, value) in code.enumerated() where value != 0 { want += [Float(atom), value] }
      want += [18, Float(code.count { $0 != 0 })]
    }
    #expect(pairs == want)
  }

  @Test func refusesBrokenCodes() throws {
    let decoder = try SparseDecoder(
      try problem.coder(SparseOptions(lambda: 1)).dictionary, pool: WorkerPool(threads: 1))
    func refuse(
      _ values: [Float], width: Int = 2, sourceLocation: SourceLocation = #_sourceLocation
    ) {
      let file = Streams.rows(values, shape: "(\(values.count / width), \(width))")
      #expect(throws: SparseError.self, sourceLocation: sourceLocation) {
        _ = try Streams.written { try decoder.stream(try Streams.reader(file), to: $0) }
      }
    }
    refuse([3, 1, 18, 2])  // a count that is not
    refuse([19, 1, 18, 1])  // no such atom
    refuse([-1, 1, 18, 1])
    refuse([0.5, 1, 18, 1])
    refuse([3, 1])  // no end
    refuse([3, 1, 3, 1, 18, 2])  // an atom twice
    refuse([1, 2, 3], width: 3)  // neither dense nor pairs
  }

  @Test func refusesRowsOfAnotherWidth() throws {
    let coder = try problem.coder(SparseOptions(lambda: 1))
    let file = Streams.rows([1, 2, 3, 4], shape: "(1, 4)")
    #expect(throws: SparseError.wrongWidth(source: "x.npy", expected: 6, got: 4)) {
      _ = try Streams.written { try coder.stream(try Streams.reader(file), to: $0) }
    }
  }

  @Test func refusesValuesThatAreNotFinite() throws {
    let coder = try problem.coder(SparseOptions(lambda: 1))
    let file = Streams.rows([1, 2, 3, .nan, 5, 6], shape: "(1, 6)")
    #expect(throws: StreamError.self) {
      _ = try Streams.written { try coder.stream(try Streams.reader(file), to: $0) }
    }
  }

  @Test func noRowsAreNoCodes() throws {
    let coder = try problem.coder(SparseOptions(lambda: 1))
    let file = Streams.rows([], shape: "(0, 6)")
    let bytes = try Streams.written { try coder.stream(try Streams.reader(file), to: $0) }
    #expect(try Streams.reader(bytes).declaredRows == 0)
    #expect(coder.report.rows == 0 && coder.report.objective == 0)
    #expect(coder.summary.count == 2)
  }
}
