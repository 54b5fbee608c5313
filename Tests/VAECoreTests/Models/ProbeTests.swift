import Foundation
import Testing
import VAECore

struct ProbeTests {
  /// Rows of pixels whose label shows in which quarter of them is bright.
  private func images(_ count: Int) -> (bytes: [UInt8], labels: [Int]) {
    let labels = (0..<count).map { ($0 * 7) % 4 }
    let bytes = labels.enumerated().flatMap { row, label in
      (0..<16).map { i in
        UInt8(truncatingIfNeeded: (row * 31 + i * 17) % 90 + (i / 4 == label ? 120 : 0))
      }
    }
    return (bytes, labels)
  }

  private func store(_ bytes: [UInt8]) throws -> RowStore {
    try RowStore(Streams.reader(Streams.npy("|u1", "(\(bytes.count / 16), 4, 4)", data: bytes)))
  }

  private func model(seed: UInt64 = 3) throws -> VAE {
    let vae = try VAE(VAEConfiguration(inputShape: [4, 4], hidden: [12], latent: 3))
    vae.parameters.initialise(seed: seed)
    return vae
  }

  private func tuned(
    threads: Int = 2, reinitialise: Bool = false, precision: Precision = .f32, epochs: Int = 10
  ) throws -> FittedProbe {
    let (bytes, labels) = images(200)
    var options = TrainingOptions()
    options.epochs = epochs
    options.batch = 20
    options.precision = precision
    options.optimiser.learningRate = 1e-2
    return try ProbeFitter(
      rows: store(bytes), labels: Labels(labels, name: "y.npy"), options: RegressionOptions(),
      pool: WorkerPool(threads: threads)
    ).tune(model(), source: "m.vae", reinitialise: reinitialise, options: options) { _ in }
  }

  private func read(_ bytes: [UInt8]) throws -> Probe {
    try Probe.read(Safetensors.read(bytes))
  }

  // MARK: Training

  /// One step's losses and gradients are PyTorch's.
  @Test(arguments: [1, 3]) func gradientsArePyTorchs(threads: Int) throws {
    let golden = try Safetensors.read(Streams.golden("probe_tuned.safetensors"))
    let configuration = ProbeConfiguration(
      inputShape: [12], classes: [0, 1, 2, 3],
      encoder: VAEConfiguration(inputShape: [12], hidden: [7], latent: 3))
    let probe = try Probe(configuration)
    for (index, spec) in probe.parameters.specs.enumerated() {
      _ = probe.parameters[index].update(fromContentsOf: try golden.floats(spec.name))
    }
    let rows = try RowStore(
      Streams.reader(Streams.rows(golden.floats("inputs"), shape: "(6, 12)")))
    let pool = try WorkerPool(threads: threads)
    var options = GraphOptions()
    options.batch = 6
    let graph = try TrainingGraph(
      probe, rows: Columns(rows, labels: golden.floats("classes").map { UInt32($0) }),
      options: options, pool: pool)
    let collector = Collector(probe.parameters)
    let order: [UInt32] = [4, 0, 5, 2, 1, 3]
    try order.withUnsafeBufferPointer { indices in
      graph.batch = Batch(indices: indices, step: 1)
      for phase in graph.learn + graph.gradients(into: collector) { pool.run(phase) }
      let losses = try golden.floats("loss")
      for (row, index) in order.enumerated() {
        #expect(abs(Float(graph.losses.objective[row]) - losses[Int(index)]) < 1e-6)
      }
      for phase in graph.evaluate { pool.run(phase) }
      for (row, index) in order.enumerated() {
        #expect(abs(Float(graph.losses.objective[row]) - losses[Int(index)]) < 1e-6)
      }
    }
    for (index, spec) in probe.parameters.specs.enumerated() {
      let want = try golden.floats("grad." + spec.name)
      let scale = want.map { abs($0) }.max() ?? 0
      expectClose(
        collector.gradient(index), want, relative: 1e-5, absolute: 1e-6 * Double(scale), spec.name)
    }
  }

  @Test func tuningLearnsWhatAHeadAloneCannot() throws {
    let tuned = try tuned()
    let head = try #require(tuned.record.regression)
    let record = try #require(tuned.record.tuning)
    let loss = try #require(record.last?.training.loss)
    #expect(loss < 0.2 * head.loss)
    #expect(tuned.confusion.accuracy > 0.95)
    #expect(record.rows == 200 && tuned.record.sha256 == record.sha256)
  }

  @Test(arguments: Precision.allCases) func threadsChangeNothing(_ precision: Precision) throws {
    let files = try [1, 2, 3].map { threads in
      try Streams.written {
        try tuned(threads: threads, precision: precision, epochs: 2).write(to: $0)
      }
    }
    #expect(files.allSatisfy { $0 == files[0] })
  }

  @Test func freshWeightsForgetTheModel() throws {
    let fresh = try tuned(reinitialise: true)
    #expect(fresh.record.regression == nil)
    #expect(fresh.confusion.accuracy > 0.9)
    #expect(
      fresh.probe.values("encoder.0.weight") != (try tuned().probe.values("encoder.0.weight")))
  }

  @Test func modelsAndRowsMustFit() throws {
    let problem = LabelledRows(rows: 20, width: 5, classes: [0, 1])
    let fitter = try ProbeFitter(
      rows: problem.store(), labels: Labels(problem.labels, name: "y.npy"),
      options: RegressionOptions(), pool: WorkerPool(threads: 1))
    #expect(throws: StreamError.wrongRowSize(name: "x.npy", row: 0, expected: 16, got: 5)) {
      try fitter.tune(
        model(), source: "m.vae", reinitialise: false, options: TrainingOptions()
      ) { _ in }
    }
    let other = try problem.fit().probe
    #expect(throws: ProbeError.notTunable(source: "p", kind: "probe")) {
      try fitter.tune(
        other, source: "p", reinitialise: false, options: TrainingOptions()
      ) { _ in }
    }
  }

  // MARK: Files

  @Test func filesComeBack() throws {
    let plain = try LabelledRows(rows: 90, width: 4, classes: [-3, 8]).fit()
    for fitted in [plain, try tuned(epochs: 1)] {
      let file = try Streams.written { try fitted.write(to: $0) }
      let probe = try read(file)
      #expect(probe.classes == fitted.probe.classes)
      #expect(probe.inputShape == fitted.probe.inputShape)
      #expect(probe.values("head.weight") == fitted.probe.values("head.weight"))
      #expect(probe.values("encoder.0.weight") == fitted.probe.values("encoder.0.weight"))
      #expect(try probe.configurationJSON() == fitted.probe.configurationJSON())
      let names = try Safetensors.read(file).entries.map(\.name)
      #expect(names.allSatisfy { $0.hasPrefix("head.") || $0.hasPrefix("encoder.") })
      #expect(!names.contains { $0.contains("logvar") })
    }
  }

  @Test func encoderIsThatOfTheProbe() throws {
    let probe = try tuned(epochs: 1).probe
    let pool = try WorkerPool(threads: 1)
    let means = try probe.makeEncoder(.mean, precision: .f32, pool: pool)
    #expect(means.inputSize == 16 && means.outputSize == 3)
    #expect(throws: ModelError.noPosterior) {
      try probe.makeEncoder(.sample(seed: 1), precision: .f32, pool: pool)
    }
    #expect(throws: ModelError.noDecoder) {
      try probe.makeDecoder(.mean, precision: .f32, pool: pool)
    }
    let plain = try LabelledRows(rows: 9, width: 4, classes: [0, 1]).fit().probe
    #expect(throws: ModelError.noEncoder) {
      try plain.makeEncoder(.mean, precision: .f32, pool: pool)
    }
  }

  @Test func brokenFilesAreRefused() throws {
    func file(
      kind: String = "probe", config: String, classes: Int = 2, width: Int = 3,
      extra: [SafetensorsTensor] = []
    ) throws -> [UInt8] {
      let head = [
        SafetensorsTensor(
          name: "head.weight", shape: [classes, width],
          values: .init(repeating: 0, count: classes * width)),
        SafetensorsTensor(
          name: "head.bias", shape: [classes], values: .init(repeating: 0, count: classes)),
      ]
      return try Streams.written {
        try SafetensorsWriter.write(
          head + extra, metadata: ["vae-tools.kind": kind, "vae-tools.config": config], to: $0)
      }
    }
    func refuse(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(throws: (any Error).self, sourceLocation: sourceLocation) { try read(bytes) }
    }
    let sound = #"{"classes":[0,1],"input_shape":[3]}"#
    #expect(try read(file(config: sound)).classes == [0, 1])
    refuse(try file(kind: "vae", config: sound))
    refuse(try file(kind: "dictionary", config: sound))
    refuse(try file(config: sound, width: 4))
    refuse(try file(config: sound, classes: 3))
    refuse(
      try file(
        config: sound, extra: [SafetensorsTensor(name: "other", shape: [1], values: [1])]))
    for config in [
      "{}", "[]", #"{"classes":[0,1]}"#, #"{"classes":[1,0],"input_shape":[3]}"#,
      #"{"classes":[1,1],"input_shape":[3]}"#, #"{"classes":[0.5,1],"input_shape":[3]}"#,
      #"{"classes":[0],"input_shape":[3]}"#, #"{"classes":[],"input_shape":[3]}"#,
      #"{"classes":[-9223372036854775808,1],"input_shape":[3]}"#,
      #"{"classes":[0,16777216],"input_shape":[3]}"#, #"{"classes":[0,1],"input_shape":[-3]}"#,
      #"{"classes":[0,1],"input_shape":[0]}"#,
      #"{"classes":[0,1],"input_shape":[4294967296,4294967296]}"#,
      #"{"classes":[0,1],"input_shape":[3],"encoder":{}}"#,
      #"{"classes":[0,1],"input_shape":[3],"encoder":{"kind":"magic","config":{}}}"#,
      #"{"classes":[0,1],"input_shape":[3],"encoder":{"kind":"vae","config":{}}}"#,
      #"{"classes":[0,1],"input_shape":[3],"encoder":{"kind":"probe","config":{}}}"#,
    ] {
      refuse(try file(config: config))
    }
    let vae = VAEConfiguration(inputShape: [4], hidden: [2], latent: 3)
    let mismatch = ProbeConfiguration(inputShape: [3], classes: [0, 1], encoder: vae)
    #expect(throws: ModelError.self) { try Probe(mismatch) }
  }
}
