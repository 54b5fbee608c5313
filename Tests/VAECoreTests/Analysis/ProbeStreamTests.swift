import Testing
import VAECore

struct ProbeStreamTests {
  private let problem = LabelledRows(rows: 700, width: 6, classes: [2, 5, 250])

  /// What a probe writes for the rows of a problem.
  private func predict(
    _ fitted: FittedProbe, _ problem: LabelledRows, probabilities: Bool = false,
    labels: [Int]? = nil, threads: Int = 2
  ) throws -> (file: [UInt8], confusion: Confusion?) {
    let count = problem.values.count / problem.width
    let file = Streams.rows(problem.values, shape: "(\(count), 1, \(problem.width))")
    let reader = try labels.map { labels in
      try LabelReader(
        ByteSource(
          bytes: Streams.rows(labels.map { Float($0) }, shape: "(\(labels.count),)"),
          name: "y.npy"))
    }
    var confusion: Confusion?
    let written = try Streams.written {
      confusion = try fitted.probe.predict(
        Streams.reader(file), to: $0, probabilities: probabilities, comparing: reader,
        pool: WorkerPool(threads: threads))
    }
    return (written, confusion)
  }

  @Test(arguments: [2, 3, 16, 17, 40]) func probabilitiesAreThose(classes: Int) throws {
    let problem = LabelledRows(rows: 333, width: 7, classes: Array(0..<classes))
    let fitted = try problem.fit()
    let written = try predict(fitted, problem, probabilities: true).file
    #expect(try Streams.reader(written).rowShape == [classes])
    let got = try Streams.floats(written)
    let (w, b) = (fitted.probe.values("head.weight"), fitted.probe.values("head.bias"))
    for (row, x) in problem.rows.enumerated() {
      let want = NaiveProbe.probabilities(x, weights: w, bias: b)
      for k in 0..<classes { #expect(abs(Double(got[row * classes + k]) - want[k]) < 1e-5) }
    }
  }

  @Test func labelsAreTheMostProbable() throws {
    let fitted = try problem.fit()
    let p = try Streams.floats(predict(fitted, problem, probabilities: true).file)
    let labels = try Streams.floats(predict(fitted, problem).file, scaleBytes: false)
    for row in 0..<700 {
      let own = Array(p[row * 3..<row * 3 + 3])
      let best = try #require(own.firstIndex(of: own.max() ?? 0))
      #expect(labels[row] == Float(problem.classes[best]))
    }
    #expect(try predict(fitted, problem, threads: 1).file == predict(fitted, problem).file)
  }

  @Test(arguments: [
    ([0, 255], ElementType.u1), ([0, 256], .f4), ([-1, 1], .f4), ([1, 16_777_215], .f4),
  ])
  func typeFollowsTheLabels(classes: [Int], type: ElementType) throws {
    let problem = LabelledRows(rows: 50, width: 3, classes: classes, spread: 0.1)
    let written = try predict(try problem.fit(), problem).file
    #expect(try Streams.reader(written).elementType == type)
    #expect(try Streams.reader(written).rowShape == [])
    #expect(
      try Streams.floats(written, scaleBytes: false) == problem.labels.map { Float($0) })
  }

  @Test func comparesWithLabels() throws {
    let fitted = try problem.fit()
    let confusion = try #require(try predict(fitted, problem, labels: problem.labels).confusion)
    #expect(confusion.rows == 700 && confusion.correct == fitted.confusion.correct)
    #expect(confusion.accuracy == fitted.record.accuracy)
    // Labels the probe has never seen are wrong, and have a row of their own.
    var labels = problem.labels
    labels[0] = 77
    let other = try #require(try predict(fitted, problem, labels: labels).confusion)
    let table = try #require(other.table).split(separator: "\n")
    #expect(table.count == 5)
    #expect(table[0].split(separator: " ") == ["label", "2", "5", "250", "right"])
    #expect(table[4].hasPrefix("other "))
    let widths = Set(table.map(\.count))
    #expect(widths.count == 1)
  }

  @Test(arguments: [0, 1, 699, 701, 2000]) func countsMustAgree(count: Int) throws {
    let labels = (0..<count).map { _ in 2 }
    let error = ProbeError.labelCount(source: "y.npy", expected: 700, rows: "x.npy", got: count)
    #expect(throws: error) { try predict(try problem.fit(), problem, labels: labels) }
  }

  @Test func rowsMustFit() throws {
    let fitted = try problem.fit()
    let other = LabelledRows(rows: 3, width: 5, classes: [0, 1])
    #expect(throws: StreamError.wrongRowSize(name: "x.npy", row: 0, expected: 6, got: 5)) {
      try predict(fitted, other)
    }
  }

  @Test func rowsWithoutProbabilitiesAreNamed() throws {
    let fitted = try problem.fit()
    var values = problem.values
    for i in 0..<6 { values[600 * 6 + i] = i % 2 == 0 ? 3e38 : -3e38 }
    let file = Streams.rows(values, shape: "(700, 6)")
    func written() throws -> [UInt8] {
      try Streams.written {
        _ = try fitted.probe.predict(
          Streams.reader(file), to: $0, pool: WorkerPool(threads: 1))
      }
    }
    #expect(throws: ProbeError.overflow(source: "x.npy", row: 600)) { try written() }
  }

  @Test func noRowsAreNoLabels() throws {
    let bytes = try Streams.written {
      _ = try problem.fit().probe.predict(
        Streams.reader(Streams.rows([], shape: "(0, 6)")), to: $0, pool: WorkerPool(threads: 1))
    }
    #expect(try Streams.reader(bytes).declaredRows == 0)
  }
}
