import Testing
import VAECore
import VAEPlots

struct CurvesTests {
  private func metrics(_ text: String, name: String = "run.jsonl") throws -> Metrics {
    try Metrics(ByteSource(bytes: Array(text.utf8), name: name))
  }

  private static let run = """
    {"event":"epoch","epoch":1,"loss":160.5,"kl":20,"valid_loss":150,"by":[1,2],"note":"x"}
    {"event":"stop","epoch":1,"loss":0}

    {"event":"epoch","epoch":2,"loss":1.2e2,"kl":null,"valid_loss":118}
    """

  @Test func readsRecordsOfEpochs() throws {
    let metrics = try metrics(Self.run)
    #expect(metrics.curve("loss").map(\.value) == [160.5, 120])
    #expect(metrics.curve("loss").map(\.epoch) == [1, 2])
    #expect(metrics.curve("kl").map(\.value) == [20])
    #expect(metrics.curve("by").isEmpty && metrics.curve("note").isEmpty)
  }

  @Test func passesOverAnUnfinishedLine() throws {
    #expect(try metrics(Self.run + "\n{\"event\":\"epo").epochs.count == 2)
    #expect(throws: AnalysisError.notARecord(name: "a", line: 2, got: "'[1]'")) {
      try metrics("{}\n[1]\n{}\n", name: "a")
    }
    for text in ["", "\n\n", "{}\n", "nonsense"] {
      #expect(throws: AnalysisError.noEpochs(name: "a")) { try metrics(text, name: "a") }
    }
  }

  @Test func drawsOnePicture() throws {
    func draw(_ runs: [Metrics], _ change: (inout CurvesOptions) -> Void = { _ in }) throws
      -> [UInt8]
    {
      var options = CurvesOptions()
      options.metrics = ["loss", "kl"]
      change(&options)
      let plot = try CurvesPlot(runs, options: options)
      let picture = try Plots.written(plot.write)
      #expect(Plots.size(picture) == [options.size.width, options.size.height])
      return picture
    }
    let (one, other) = (try metrics(Self.run), try metrics(Self.run, name: "b/other.jsonl"))
    let pictures = try [
      draw([one]), draw([one, other]), draw([one]) { $0.title = "Title" },
      draw([one]) { $0.metrics = ["loss", "kl", "valid_loss", "loss"] },
      draw([one]) { $0.size = PixelSize(width: 640, height: 300) },
      draw([Metrics](repeating: other, count: 40)),
    ]
    #expect(Set(pictures).count == pictures.count)
    #expect(try draw([one]) == pictures[0])
  }

  @Test func refusesWhatCannotBeDrawn() throws {
    let run = try metrics(Self.run)
    var options = CurvesOptions()
    #expect(throws: PlotError.noMetric("reconstruction")) { try CurvesPlot([run]) }
    options.metrics = ["loss"]
    options.size = PixelSize(width: 40, height: 30)
    #expect(throws: PlotError.noRoom(width: 40, height: 30)) {
      try Plots.written(CurvesPlot([run], options: options).write)
    }
  }
}
