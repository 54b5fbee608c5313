import Foundation
import Testing
import VAECore

struct TrainerTests {
  /// 150 rows of 12 values that 3 numbers explain.
  static func rows(_ count: Int = 150) throws -> RowStore {
    var latent = [Float](repeating: 0, count: count * 3)
    Noise(seed: 8, purpose: .sample).normals(into: &latent, rows: count, columns: 3, stride: 3)
    var values: [Float] = []
    for r in 0..<count {
      for c in 0..<12 {
        values.append(1 / (1 + exp(-2 * latent[r * 3 + c % 3] * Float(c % 5 - 2))))
      }
    }
    return try rowStore(values, shape: [3, 4])
  }

  static func options(_ precision: Precision = .f32) -> TrainingOptions {
    var options = TrainingOptions()
    options.epochs = 3
    options.batch = 32
    options.precision = precision
    return options
  }

  struct Run {
    let model: VAE
    let trainer: Trainer
    var reports: [EpochReport] = []

    init(
      _ options: TrainingOptions, rows: TrainingRows, threads: Int = 2,
      control: TrainingControl = TrainingControl(), resuming: Checkpoint? = nil,
      configure: (inout VAEConfiguration) -> Void = { _ in }
    ) throws {
      var configuration = VAEConfiguration(
        inputShape: rows.rows.rowShape, hidden: [20, 10], latent: 3)
      configure(&configuration)
      model = try VAE(configuration, seed: options.seed)
      trainer = try Trainer(
        model, on: rows, options: options, control: control, resuming: resuming,
        pool: WorkerPool(threads: threads))
    }

    @discardableResult
    mutating func run(stopAfter steps: Int = .max) throws -> Trainer.Outcome {
      var taken = 0
      var reports: [EpochReport] = []
      defer { self.reports = reports }
      return try trainer.run(
        stop: {
          taken += 1
          return taken >= steps
        },
        report: { if case .epoch(let report, _, _) = $0 { reports.append(report) } })
    }

    var values: [UInt32] {
      model.parameters.specs.indices.flatMap { model.parameters[$0].map(\.bitPattern) }
    }
  }

  static let styles: [String] = ["plain", "norm", "dropout", "particles", "free bits", "clipped"]

  static func style(
    _ name: String, _ options: inout TrainingOptions, _ configuration: inout VAEConfiguration
  ) {
    switch name {
    case "norm": configuration.style.batchNorm = true
    case "dropout": configuration.style.dropout = 0.2
    case "particles":
      options.objective.particles = 4
      options.objective.importanceWeighted = true
    case "free bits": options.objective.freeBits = 0.1
    case "clipped": options.optimiser.clipNorm = 1
    default: break
    }
  }

  @Test(arguments: styles, [Precision.f32, .bf16])
  func bitsDoNotDependOnThreads(_ style: String, precision: Precision) throws {
    let rows = TrainingRows(try Self.rows())
    var all: [[UInt32]] = []
    for threads in 1...4 {
      var options = Self.options(precision)
      var configuration = VAEConfiguration(inputShape: [3, 4], hidden: [20, 10], latent: 3)
      Self.style(style, &options, &configuration)
      var run = try Run(options, rows: rows, threads: threads) { $0 = configuration }
      try run.run()
      all.append(run.values)
    }
    #expect(all.allSatisfy { $0 == all[0] })
  }

  @Test func lossesFall() throws {
    var options = Self.options()
    options.epochs = 30
    options.optimiser.learningRate = 1e-2
    var run = try Run(options, rows: TrainingRows(try Self.rows()))
    #expect(try run.run() == .finished)
    #expect(run.reports.count == 30)
    let (first, last) = (run.reports[0].training, run.reports[29].training)
    #expect(last.loss < first.loss - 0.05)
    let (reconstruction, kl) = (try #require(last.reconstruction), try #require(last.kl))
    #expect(abs(last.loss - reconstruction - kl) < 1e-9)
    #expect(abs(run.reports[29].klByDimension.reduce(0, +) - kl) < 1e-6 * kl + 1e-6)
  }

  /// bf16 keeps 8 bits: losses of order 8 agree to a few hundredths.
  @Test func precisionsAgree() throws {
    let rows = TrainingRows(try Self.rows())
    var (f32, bf16) = (
      try Run(Self.options(.f32), rows: rows), try Run(Self.options(.bf16), rows: rows)
    )
    try f32.run()
    try bf16.run()
    #expect(abs(f32.reports[2].training.loss - bf16.reports[2].training.loss) < 0.05)
  }

  @Test(arguments: ["plain", "norm", "dropout", "particles"], [1, 4, 5, 7, 14])
  func resumedRunsAreTheUninterrupted(_ style: String, steps: Int) throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rows = try TrainingRows(try Self.rows(), holdingOut: 0.2, seed: 1)
    var options = Self.options()
    options.patience = 5
    options.annealing.warmup = 2
    options.schedule = .cosine
    var configuration = VAEConfiguration(inputShape: [3, 4], hidden: [20, 10], latent: 3)
    Self.style(style, &options, &configuration)
    var control = TrainingControl()
    control.checkpoint = path

    var whole = try Run(options, rows: rows) { $0 = configuration }
    try whole.run()
    var cut = try Run(options, rows: rows, control: control) { $0 = configuration }
    #expect(try cut.run(stopAfter: steps) == (steps >= 12 ? .finished : .interrupted))
    var resumed = try Run(
      options, rows: rows, control: control, resuming: Checkpoint(ByteSource(path: path))
    ) { $0 = configuration }
    try resumed.run()
    #expect(resumed.values == whole.values)
    #expect(resumed.trainer.record == whole.trainer.record)
  }

  @Test func checkpointsOfOtherRunsAreRefused() throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var control = TrainingControl()
    control.checkpoint = path
    let rows = TrainingRows(try Self.rows())
    var run = try Run(Self.options(), rows: rows, control: control)
    try run.run(stopAfter: 2)
    var other = Self.options()
    other.optimiser.learningRate = 0.5
    #expect(throws: TrainingError.self) {
      try Run(other, rows: rows, resuming: Checkpoint(ByteSource(path: path)))
    }
    #expect(throws: TrainingError.self) {
      try Run(
        Self.options(), rows: TrainingRows(try Self.rows(149)),
        resuming: Checkpoint(ByteSource(path: path)))
    }
    var longer = Self.options()
    longer.epochs = 5
    var resumed = try Run(longer, rows: rows, resuming: Checkpoint(ByteSource(path: path)))
    try resumed.run()
    #expect(resumed.trainer.epochsDone == 5)
  }

  /// Options are judged field by field: one that differs or is unknown is named, one that is missing
  /// has its default.
  @Test func optionsOfACheckpointAreJudgedByField() throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var control = TrainingControl()
    control.checkpoint = path
    let rows = TrainingRows(try Self.rows())
    var whole = try Run(Self.options(), rows: rows)
    try whole.run()
    var run = try Run(Self.options(), rows: rows, control: control)
    try run.run(stopAfter: 2)
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))

    /// The checkpoint with some text of its metadata replaced.
    func edited(_ changes: [(String, String)]) throws -> Checkpoint {
      let length = (0..<8).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) }
      var header = String(decoding: bytes[8..<8 + length], as: UTF8.self)
      for (old, new) in changes {
        try #require(header.contains(old), "\(old)")
        header = header.replacingOccurrences(of: old, with: new)
      }
      header += String(repeating: " ", count: (8 - header.utf8.count % 8) % 8)
      let size = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
      let other = path + ".edited"
      defer { try? FileManager.default.removeItem(atPath: other) }
      try Streams.write(
        size + Array(header.utf8) + Array(bytes[(8 + length)...]), to: other)
      return try Checkpoint(ByteSource(path: other))
    }
    func refusal(_ changes: [(String, String)]) throws -> String {
      do {
        _ = try Run(Self.options(), rows: rows, resuming: edited(changes))
        return ""
      } catch let error as TrainingError {
        return error.description
      }
    }
    let rate = #"\"lr\":0.001,\"momentum\""#
    #expect(
      try refusal([(rate, #"\"lr\":0.5,\"momentum\""#)])
        .contains("made with lr 0.5, asked for 0.001"))
    #expect(
      try refusal([(rate, #"\"cooling\":1,"# + rate)]).contains("option cooling"))
    var old = try Run(
      Self.options(), rows: rows,
      resuming: edited([(#"\"binarize\":\"none\","#, "")]))
    try old.run()
    #expect(old.values == whole.values)
  }

  /// The golden is `vae-fit --hidden 2 --latent 2 --epochs 4` of version 0.1, with these options.
  @Test func takesUpARunOfVersion01() throws {
    let rows = try TrainingRows(
      RowStore((0..<48).map { UInt8($0 * 7 % 256) }, rowShape: [4]), holdingOut: 0.25, seed: 3)
    let checkpoint = try Checkpoint(
      ByteSource(bytes: Streams.golden("version-0.1.ckpt"), name: "r.ckpt"))
    var options = TrainingOptions()
    (options.epochs, options.batch, options.seed, options.patience) = (5, 5, 3, 9)
    (options.objective.particles, options.objective.divergence) = (2, .sampled)
    options.binarisation = .dynamic
    options.optimiser.learningRate = 0.002
    (options.optimiser.beta1, options.optimiser.beta2) = (0.8, 0.99)
    (options.optimiser.epsilon, options.optimiser.weightDecay) = (1e-7, 0.01)
    options.optimiser.clipNorm = 5
    options.schedule = .step(epochs: 3, factor: 0.5)
    options.annealing.periods = 2
    options.freeze = ["encoder.0"]
    func resumed(_ change: (inout TrainingOptions) -> Void = { _ in }) throws -> Run {
      var options = options
      change(&options)
      return try Run(options, rows: rows, resuming: checkpoint) {
        ($0.hidden, $0.latent) = ([2], 2)
      }
    }
    var run = try resumed()
    try run.run()
    #expect(run.reports.map(\.epoch) == [5])
    let changes: [(String, (inout TrainingOptions) -> Void)] = [
      ("adam_betas 0.8, 0.99, asked for 0.8, 0.9", { $0.optimiser.beta2 = 0.9 }),
      ("objective elbo, asked for iwae", { $0.objective.importanceWeighted = true }),
      ("schedule step:3,0.5, asked for cosine", { $0.schedule = .cosine }),
      ("cyclical 2, asked for 0", { $0.annealing.periods = 0 }),
    ]
    for (words, change) in changes {
      let error = #expect(throws: TrainingError.self) { try resumed(change) }
      #expect(error?.description.contains(words) == true, "\(words)")
    }
  }

  @Test func patienceKeepsTheBest() throws {
    var options = Self.options()
    options.epochs = 200
    options.patience = 3
    options.optimiser.learningRate = 0.05  // too high to settle
    let rows = try TrainingRows(try Self.rows(), holdingOut: 0.3, seed: 2)
    var run = try Run(options, rows: rows)
    #expect(try run.run() == .outOfPatience)
    let losses = run.reports.compactMap { $0.validation?.loss }
    let best = try #require(losses.min())
    #expect(losses.count - 1 - (losses.firstIndex(of: best) ?? 0) == 3)
    #expect(run.trainer.record.epoch == losses.count - 3)
  }

  /// Killed between the last checkpoint and the model's file.
  @Test func aRunOutOfPatienceIsOverWhenResumed() throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var control = TrainingControl()
    control.checkpoint = path
    var options = Self.options()
    options.epochs = 200
    options.patience = 3
    options.optimiser.learningRate = 0.05
    let rows = try TrainingRows(try Self.rows(), holdingOut: 0.3, seed: 2)
    var run = try Run(options, rows: rows, control: control)
    #expect(try run.run() == .outOfPatience)
    var resumed = try Run(
      options, rows: rows, control: control, resuming: Checkpoint(ByteSource(path: path)))
    #expect(try resumed.run() == .outOfPatience)
    #expect(resumed.reports.isEmpty)
    #expect(resumed.values == run.values && resumed.trainer.record == run.trainer.record)
  }

  @Test func timeThatIsOverKeepsTheLastStepAndTheBest() throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    var control = TrainingControl()
    control.checkpoint = path
    var options = Self.options()
    options.epochs = 6
    options.patience = 50
    options.optimiser.learningRate = 0.05
    let rows = try TrainingRows(try Self.rows(), holdingOut: 0.3, seed: 2)
    var run = try Run(options, rows: rows, control: control)
    #expect(try run.run() == .finished)
    options.epochs = 200
    control.maxTime = .zero
    var kept: [Data] = []
    for _ in 1...2 {
      var resumed = try Run(
        options, rows: rows, control: control, resuming: Checkpoint(ByteSource(path: path)))
      #expect(try resumed.run() == .outOfTime)
      #expect(resumed.values == run.values)
      kept.append(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
    #expect(kept[0] != kept[1], "each run went a step further")
  }

  @Test(arguments: [1e3, 1e15, 1e30])
  func divergenceStopsWithAFiniteModel(_ rate: Double) throws {
    var options = Self.options()
    options.optimiser.learningRate = rate
    options.optimiser.rule = .sgd
    var run = try Run(options, rows: TrainingRows(try Self.rows()))
    #expect(throws: TrainingError.self) { try run.run() }
    #expect(run.values.allSatisfy { Float(bitPattern: $0).isFinite })
  }

  @Test(arguments: [1, 2, 31, 32, 33, 65])
  func anyNumberOfRowsTrains(_ count: Int) throws {
    let rows = TrainingRows(try Self.rows(count))
    for batch in [1, 32, 1000] {
      var options = Self.options()
      options.batch = batch
      options.epochs = 1
      var run = try Run(options, rows: rows)
      #expect(try run.run() == .finished)
      #expect(run.reports[0].steps == (count + batch - 1) / batch)
    }
  }

  @Test func frozenParametersKeepTheirBits() throws {
    var options = Self.options()
    options.freeze = ["encoder.0", "encoder.logvar", "decoder.output.bias"]
    var run = try Run(options, rows: TrainingRows(try Self.rows()))
    let store = run.model.parameters
    let before = store.specs.indices.map { store[$0].map { $0 } }
    try run.run()
    for (index, spec) in store.specs.enumerated() {
      let frozen = options.freeze.contains { spec.name == $0 || spec.name.hasPrefix($0 + ".") }
      #expect((store[index].map { $0 } == before[index]) == frozen, "\(spec.name)")
    }
    options.freeze = ["encoder.7"]
    #expect(throws: TrainingError.self) {
      try Run(options, rows: TrainingRows(try Self.rows()))
    }
    options.freeze = ["encoder", "decoder"]
    #expect(throws: TrainingError.self) {
      try Run(options, rows: TrainingRows(try Self.rows()))
    }
  }

  @Test func schedules() {
    #expect(Schedule.stages(5).epochs == 121)
    let stages = [0.0, 0.99, 1, 3.9, 4, 12.9, 13, 39, 40, 120].map {
      Schedule.stages(5).rate(done: $0, epochs: 121)
    }
    let expected = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4].map { pow(10, -Double($0) / 7) }
    expectClose(stages, expected, relative: 1e-12, "stages")
    #expect(Schedule.step(epochs: 2, factor: 0.5).rate(done: 3.9, epochs: 9) == 0.5)
    #expect(abs(Schedule.cosine.rate(done: 5, epochs: 10) - 0.5) < 1e-12)
  }
}
