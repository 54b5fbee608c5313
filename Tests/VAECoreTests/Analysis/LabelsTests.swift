import Testing
import VAECore

struct LabelsTests {
  private func labels(_ file: [UInt8]) throws -> Labels {
    try Labels(LabelReader(ByteSource(bytes: file, name: "y.npy")))
  }

  private func integers<T: FixedWidthInteger>(_ values: [T]) -> [UInt8] {
    values.flatMap { value in withUnsafeBytes(of: value.littleEndian) { Array($0) } }
  }

  @Test func anyIntegersWillDo() throws {
    let files = [
      Streams.npy("|u1", "(4,)", data: [7, 3, 7, 200]),
      Streams.npy("<i2", "(4, 1)", data: integers([7, 3, 7, 200] as [Int16])),
      Streams.npy("<i8", "(4,)", data: integers([7, 3, 7, 200] as [Int64])),
      Streams.rows([7, 3, 7, 200], shape: "(4,)"),
      Streams.rows([7, 3], shape: "(2,)") + Streams.rows([7, 200], shape: "(2,)"),
      Streams.idx(type: 8, [4], data: [7, 3, 7, 200]),
    ]
    for file in files {
      let labels = try labels(file)
      #expect(labels.classes == [3, 7, 200])
      #expect(labels.indices == [1, 0, 1, 2])
    }
    let negative = try labels(Streams.npy("<i4", "(3,)", data: integers([5, -9, 0] as [Int32])))
    #expect(negative.classes == [-9, 0, 5])
    #expect(negative.indices == [2, 0, 1])
  }

  @Test func otherValuesAreNamed() throws {
    #expect(throws: ProbeError.notWhole(source: "y.npy", row: 2, value: 1.5)) {
      try labels(Streams.rows([1, 2, 1.5], shape: "(3,)"))
    }
    #expect(throws: ProbeError.labelTooLarge(source: "y.npy", row: 1, value: 16_777_216)) {
      try labels(Streams.npy("<i8", "(2,)", data: integers([1, 16_777_217] as [Int64])))
    }
    #expect(throws: ProbeError.labelTooLarge(source: "y.npy", row: 0, value: -0x1p63)) {
      try labels(Streams.npy("<i8", "(1,)", data: integers([Int64.min])))
    }
    #expect(throws: ProbeError.notLabels(source: "y.npy", rowSize: 2)) {
      try labels(Streams.rows([1, 2], shape: "(1, 2)"))
    }
    #expect(throws: ProbeError.notWhole(source: "y.npy", row: 1, value: .infinity)) {
      try labels(Streams.rows([1, .infinity], shape: "(2,)"))
    }
  }

  private func fitter(_ values: [Int?]) throws -> ProbeFitter {
    try ProbeFitter(
      rows: RowStore(Streams.reader(Streams.rows([1, 2, 3, 4, 5, 6], shape: "(3, 2)"))),
      labels: Labels(values, name: "y.npy"), options: RegressionOptions(),
      pool: WorkerPool(threads: 1))
  }

  @Test func mustBeThoseOfTheRows() throws {
    #expect(throws: ProbeError.labelCount(source: "y.npy", expected: 3, rows: "x.npy", got: 2)) {
      try fitter([0, 1])
    }
    #expect(throws: ProbeError.labelCount(source: "y.npy", expected: 3, rows: "x.npy", got: 0)) {
      try fitter([])
    }
    #expect(throws: ProbeError.oneClass(source: "y.npy", label: 8)) { try fitter([8, 8, 8]) }
    #expect(throws: ProbeError.noRows(source: "x.npy")) {
      try ProbeFitter(
        rows: RowStore(Streams.reader(Streams.rows([], shape: "(0, 2)"))),
        labels: Labels([], name: "y.npy"), options: RegressionOptions(),
        pool: WorkerPool(threads: 1))
    }
    #expect(throws: ProbeError.allUnlabelled(source: "y.npy")) { try fitter([nil, nil, nil]) }
    #expect(throws: ProbeError.oneClass(source: "y.npy", label: 8)) { try fitter([8, nil, 8]) }
    _ = try fitter([0, 1, 0])
  }

  /// 33 classes want 99 rows; 32 want no more than they have.
  @Test(arguments: [(32, 40, true), (33, 98, false), (33, 99, true), (214, 442, false)])
  func manyClassesOfFewRowsAreATarget(classes: Int, rows: Int, areClasses: Bool) throws {
    func fitter() throws -> ProbeFitter {
      try ProbeFitter(
        rows: RowStore(
          Streams.reader(
            Streams.npy("|u1", "(\(rows), 1)", data: .init(repeating: 0, count: rows)))),
        labels: Labels((0..<rows).map { $0 % classes }, name: "y.npy"),
        options: RegressionOptions(), pool: WorkerPool(threads: 1))
    }
    if areClasses {
      _ = try fitter()
    } else {
      #expect(throws: ProbeError.continuous(source: "y.npy", classes: classes, rows: rows)) {
        try fitter()
      }
    }
  }

  /// The probe is that of the other rows alone.
  @Test func rowsWithoutALabelArePassedOver() throws {
    let problem = LabelledRows(rows: 90, width: 4, classes: [0, 3])
    var values: [Float] = []
    var labels: [Float] = []
    for (row, label) in problem.labels.enumerated() {
      if row % 9 == 0 {
        values += [100, -100, 100, -100]
        labels.append(row % 2 == 0 ? -1 : .nan)
      }
      values += problem.values[row * 4..<row * 4 + 4]
      labels.append(Float(label))
    }
    func fit(_ values: [Float], _ labels: [Float]) throws -> FittedProbe {
      try ProbeFitter(
        rows: RowStore(Streams.reader(Streams.rows(values, shape: "(\(labels.count), 4)"))),
        labels: self.labels(Streams.rows(labels, shape: "(\(labels.count),)")),
        options: RegressionOptions(), pool: WorkerPool(threads: 1)
      ).fit()
    }
    let some = try fit(values, labels)
    let all = try fit(problem.values, problem.labels.map(Float.init))
    #expect(some.probe.classes == [0, 3])
    #expect(try Streams.written(some.write) == Streams.written(all.write))
    #expect(some.confusion.rows == 90 && some.confusion.unlabelled == 10)
    #expect(all.confusion.unlabelled == 0)
    #expect(some.confusion.summary == all.confusion.summary + "; 10 without a label passed over")
  }

  @Test func headsHaveABound() throws {
    let width = ProbeConfiguration.mostWeights / 2 + 1
    let rows = try RowStore(
      Streams.reader(
        Streams.npy("|u1", "(2, \(width))", data: .init(repeating: 0, count: 2 * width))))
    let fitter = try ProbeFitter(
      rows: rows, labels: Labels([0, 1], name: "y.npy"), options: RegressionOptions(),
      pool: WorkerPool(threads: 1))
    #expect(throws: ProbeError.tooManyClasses(source: "y.npy", classes: 2, width: width)) {
      try fitter.fit()
    }
  }
}
