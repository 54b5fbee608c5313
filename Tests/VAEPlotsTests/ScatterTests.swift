import Testing
import VAECore
import VAEPlots

struct ScatterTests {
  private static let values: [Float] = (0..<400).map { Float(($0 * 7919) % 101) - 50 }

  private func draw(
    _ values: [Float] = Self.values, labels: [Float]? = nil,
    _ change: (inout ScatterOptions) -> Void = { _ in }
  ) throws -> [UInt8] {
    var options = ScatterOptions()
    options.size = PixelSize(width: 300, height: 240)
    change(&options)
    let plot = try ScatterPlot(try Plots.points(values), options: options)
    if let labels {
      try plot.readLabels(try Plots.reader("<f4", "(\(labels.count),)", Plots.bytes(labels)))
    }
    return try Plots.written(plot.write)
  }

  @Test func drawsOnePicture() throws {
    let picture = try draw()
    #expect(Plots.size(picture) == [300, 240])
    #expect(try draw() == picture)
  }

  @Test func everyOptionShows() throws {
    let kinds = (0..<200).map { Float($0 % 3) }
    let plain = try draw(labels: kinds)
    let others: [[UInt8]] = try [
      draw(), draw(labels: kinds.map { $0 / 2 + 0.25 }), draw(labels: kinds.reversed()),
      draw(labels: kinds) { $0.title = "Title" }, draw(labels: kinds) { $0.xLabel = "x" },
      draw(labels: kinds) { $0.yLabel = "y" }, draw(labels: kinds) { $0.stretch = true },
      draw(labels: kinds) { $0.names = ["zero", "one", "two"] },
    ]
    #expect(Set(others + [plain]).count == 9)
  }

  /// One point, equal points, far points, many kinds and long words.
  @Test func drawsAnything() throws {
    let cases: [[Float]] = [
      [0, 0], [5, 5, 5, 5], [-3e38, 3e38, 3e38, -3e38], [1e-40, 0, 0, 1e-40], [1e9, 1, 1e9, 2],
    ]
    for values in cases {
      for stretch in [false, true] {
        let picture = try draw(values) { $0.stretch = stretch }
        #expect(Plots.size(picture) == [300, 240])
      }
    }
    let kinds = (0..<200).map { Float($0 % 20) }
    let long = String(repeating: "long ", count: 1000)
    let picture = try draw(labels: kinds) {
      $0.title = long
      $0.names = (0..<20).map { "\($0) \(long)" }
    }
    #expect(Plots.size(picture) == [300, 240])
  }

  @Test func refusesWhatCannotBeDrawn() throws {
    #expect(throws: PlotError.notPlane(name: "x.npy", rowSize: 3)) {
      try ScatterPlot(Plots.reader("<f4", "(2, 3)", Plots.bytes([1, 2, 3, 4, 5, 6])))
    }
    #expect(throws: PlotError.noPoints(name: "x.npy")) {
      try ScatterPlot(Plots.reader("<f4", "(0, 2)", []))
    }
    #expect(throws: AnalysisError.labelCount(name: "x.npy", expected: 200, got: 3)) {
      try draw(labels: [1, 2, 3])
    }
    #expect(throws: AnalysisError.nameCount(expected: 2, got: 1)) {
      try draw([1, 2, 3, 4], labels: [0, 1]) { $0.names = ["one"] }
    }
    #expect(throws: PlotError.noRoom(width: 30, height: 20)) {
      try draw { $0.size = PixelSize(width: 30, height: 20) }
    }
    #expect(throws: StreamError.notFinite(name: "x.npy", row: 1, element: 0, value: "nan")) {
      try draw([1, 2, .nan, 4])
    }
  }
}

struct PointLabelsTests {
  @Test func fewWholeNumbersAreKinds() throws {
    guard case .kinds(let kinds, let order) = PointLabels([7, -1, 7, 3]) else {
      Issue.record("expected kinds")
      return
    }
    #expect(kinds == [-1, 3, 7] && order == [2, 0, 2, 1])
  }

  @Test(arguments: [(0..<21).map { Float($0) }, [0.5, 1], [1e12, 2]] as [[Float]])
  func othersAreValues(_ labels: [Float]) {
    guard case .values(let values) = PointLabels(labels) else {
      Issue.record("expected values")
      return
    }
    #expect(values == labels)
  }

  @Test func bytesAreNotScaled() throws {
    let reader = try Plots.reader("|u1", "(3, 1)", [0, 9, 255])
    guard case .kinds(let kinds, _) = try PointLabels(reader, count: 3) else {
      Issue.record("expected kinds")
      return
    }
    #expect(kinds == [0, 9, 255])
    #expect(throws: AnalysisError.labelShape(name: "x.npy", rowShape: [2])) {
      try PointLabels(Plots.reader("|u1", "(1, 2)", [0, 9]), count: 1)
    }
  }
}
