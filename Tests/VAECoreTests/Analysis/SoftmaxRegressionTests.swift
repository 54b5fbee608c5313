import Testing
import VAECore

struct SoftmaxRegressionTests {
  /// The objective is strictly convex, so that a point without slope is the minimum.
  private func slope(_ fitted: FittedProbe, _ problem: LabelledRows, l2: Double) -> Double {
    NaiveProbe.slope(
      rows: problem.rows, labels: problem.positions, weights: fitted.probe.values("head.weight"),
      bias: fitted.probe.values("head.bias"), l2: l2)
  }

  @Test(arguments: [(2, 1), (3, 5), (10, 20), (40, 3)])
  func findsTheMinimum(classes: Int, width: Int) throws {
    let problem = LabelledRows(rows: 700, width: width, classes: Array(0..<classes))
    for l2 in [0.01, 1, 100] {
      let fitted = try problem.fit { $0.l2 = l2 }
      #expect(fitted.record.regression?.outcome != "stopped")
      #expect(slope(fitted, problem, l2: l2) < 3e-6)
    }
  }

  @Test func equalsScikitLearn() throws {
    let golden = try Safetensors.read(Streams.golden("probe.safetensors"))
    let rows = try RowStore(
      Streams.reader(Streams.rows(try golden.floats("rows"), shape: "(40, 5)")))
    var options = RegressionOptions()
    options.l2 = 1 / 2.0
    options.tolerance = 1e-8
    let fitted = try ProbeFitter(
      rows: rows, labels: Labels(try golden.floats("labels").map { Int($0) }, name: "y.npy"),
      options: options, pool: WorkerPool(threads: 2)
    ).fit()
    #expect(fitted.probe.classes == [-2, 3, 7])
    // Weights times the columns' spreads, about (1, 10, 0.1, 3, 1), are the logits' scale.
    for (name, key) in [("head.weight", "weight"), ("head.bias", "bias")] {
      for (got, want) in zip(fitted.probe.values(name), try golden.floats(key)) {
        #expect(abs(got - Double(want)) < 2e-5, "\(name): \(got), scikit-learn has \(want)")
      }
    }
  }

  @Test func unlikeColumnsDoNoHarm() throws {
    let problem = LabelledRows(rows: 600, width: 6, classes: [0, 1, 2])
    let plain = try problem.fit { $0.l2 = 0 }
    let scales: [Float] = [1, 100, 0.01, 1, 1000, 0]
    let values = problem.values.enumerated().map { $1 * scales[$0 % 6] + ($0 % 6 == 3 ? 20 : 0) }
    var options = RegressionOptions()
    options.l2 = 0
    let scaled = try ProbeFitter(
      rows: RowStore(Streams.reader(Streams.rows(values, shape: "(600, 6)"))),
      labels: Labels(problem.labels, name: "y.npy"), options: options,
      pool: WorkerPool(threads: 1)
    ).fit()
    // Without a penalty the scale of a column changes nothing but its weights; a column of zeros
    // has none.
    let (a, b) = (plain.probe.values("head.weight"), scaled.probe.values("head.weight"))
    #expect((0..<3).allSatisfy { b[$0 * 6 + 5] == 0 })
    #expect(
      abs((scaled.record.regression?.loss ?? 0) - (plain.record.regression?.loss ?? 1)) < 0.02)
    #expect(a.count == b.count)
    let iterations = (plain.record.regression?.iterations, scaled.record.regression?.iterations)
    #expect((iterations.1 ?? 0) < 4 * (iterations.0 ?? 0))
  }

  @Test func bytesAreTheirValues() throws {
    let bytes = (0..<300 * 4).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 8) }
    let labels = Labels((0..<300).map { bytes[$0 * 4] > 100 ? 1 : 0 }, name: "y.npy")
    let pool = try WorkerPool(threads: 1)
    func fit(_ file: [UInt8]) throws -> FittedProbe {
      try ProbeFitter(
        rows: RowStore(Streams.reader(file)), labels: labels, options: RegressionOptions(),
        pool: pool
      ).fit()
    }
    let u1 = try fit(Streams.npy("|u1", "(300, 2, 2)", data: bytes))
    let f4 = try fit(Streams.rows(bytes.map { Float($0) / 255 }, shape: "(300, 4)"))
    #expect(u1.probe.values("head.weight") == f4.probe.values("head.weight"))
    #expect(u1.probe.inputShape == [2, 2])
  }

  @Test(arguments: [1, 64, 3000]) func threadsChangeNothing(rows: Int) throws {
    let problem = LabelledRows(rows: rows + 1, width: 30, classes: [0, 1])
    let files = try [1, 2, 3, 5].map { threads in
      try Streams.written { try problem.fit(threads: threads).write(to: $0) }
    }
    #expect(files.allSatisfy { $0 == files[0] })
  }

  @Test func separableRowsEnd() throws {
    let problem = LabelledRows(rows: 60, width: 8, classes: [4, 9], spread: 0.01)
    let fitted = try problem.fit { $0.l2 = 0 }
    #expect(fitted.confusion.accuracy == 1)
    #expect(fitted.probe.values("head.weight").allSatisfy { $0.isFinite })
  }

  @Test func stopsWhereTold() throws {
    let problem = LabelledRows(rows: 600, width: 10, classes: [0, 1, 2])
    let none = try problem.fit { $0.maximumIterations = 0 }
    #expect(none.probe.values("head.weight").allSatisfy { $0 == 0 })
    let record = try #require(try problem.fit { $0.maximumIterations = 3 }.record.regression)
    #expect(record.iterations == 3 && record.outcome == "stopped")
    #expect(record.summary.contains("allow more iterations"))
  }

  @Test func valuesPastTheRangeAreRefused() throws {
    for huge in [Float(3e38), 1e30] {
      let values = (0..<200).map { $0 % 7 == 0 ? huge : -huge }
      let fitter = try ProbeFitter(
        rows: RowStore(Streams.reader(Streams.rows(values, shape: "(100, 2)"))),
        labels: Labels((0..<100).map { $0 % 2 }, name: "y.npy"), options: RegressionOptions(),
        pool: WorkerPool(threads: 1))
      // Either a probe of finite numbers, or an error of its own.
      do {
        #expect(try fitter.fit().probe.values("head.weight").allSatisfy { $0.isFinite })
      } catch let error as ProbeError {
        #expect(error == .overflow(source: "x.npy", row: nil))
      }
    }
  }
}
