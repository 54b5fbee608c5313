import Foundation
import Testing
import VAECore

/// What a run says of itself, and what of that must survive a stop.
struct ReportTests {
  private func options(_ set: (inout TrainingOptions) -> Void = { _ in }) -> TrainingOptions {
    var options = TrainerTests.options()
    options.epochs = 4
    set(&options)
    return options
  }

  private func reports(_ options: TrainingOptions) throws -> [EpochReport] {
    var run = try TrainerTests.Run(options, rows: TrainingRows(TrainerTests.rows(96)))
    try run.run()
    return run.reports
  }

  /// Three steps an epoch; the last of each is the one reported.
  @Test func ratesAndWeightsAreThoseOfTheLastStep() throws {
    let steps = try reports(options { $0.schedule = .step(epochs: 1, factor: 0.5) })
    expectClose(
      steps.map(\.learningRate), [1e-3, 5e-4, 2.5e-4, 1.25e-4], relative: 1e-12, "rate")
    let cosine = try reports(options { $0.schedule = .cosine })
    expectClose(
      cosine.map(\.learningRate),
      (1...4).map { 5e-4 * (1 + cos(.pi * (Double($0) - 1 / 3.0) / 4)) }, relative: 1e-12, "cosine")
    let warm = try reports(options { $0.annealing.warmup = 2 })
    expectClose(warm.map(\.beta), [1 / 3.0, 5 / 6.0, 1, 1], relative: 1e-6, "warmup")
    let cyclical = try reports(options { $0.annealing.periods = 2 })
    expectClose(cyclical.map(\.beta), [2 / 3.0, 1, 2 / 3.0, 1], relative: 1e-6, "periods")
  }

  /// The model's record holds the last report, so that has to come back as well, wherever the run
  /// was cut: behind the last step of an epoch, too.
  @Test(arguments: [2, 3, 6, 11, 12]) func recordsSurviveAStop(_ steps: Int) throws {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).ckpt"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let rows = TrainingRows(try TrainerTests.rows(96))
    let options = options {
      $0.annealing.warmup = 9
      $0.schedule = .cosine
    }
    var control = TrainingControl()
    control.checkpoint = path
    control.every = .epochs(100)
    var whole = try TrainerTests.Run(options, rows: rows)
    try whole.run()
    var cut = try TrainerTests.Run(options, rows: rows, control: control)
    #expect(try cut.run(stopAfter: steps) == .interrupted)
    var resumed = try TrainerTests.Run(
      options, rows: rows, resuming: Checkpoint(ByteSource(path: path)))
    #expect(try resumed.run() == .finished)
    #expect(resumed.values == whole.values)
    #expect(resumed.trainer.record == whole.trainer.record)
  }

  @Test func validationRowsMustFit() throws {
    let rows = try TrainerTests.rows(20)
    let narrow = try rowStore([Float](repeating: 0.5, count: 22), shape: [11])
    #expect(throws: StreamError.self) {
      try TrainerTests.Run(options(), rows: TrainingRows(rows, validationRows: narrow))
    }
    let none = try rowStore([], shape: [12])
    #expect(throws: TrainingError.noRows(source: none.name)) {
      try TrainerTests.Run(options(), rows: TrainingRows(rows, validationRows: none))
    }
  }

  /// What is held out is the same for a seed, is nobody's to learn from, and both sides have some.
  @Test(arguments: [2, 3, 10, 101], [0.001, 0.3, 0.5, 0.9, 0.999])
  func rowsAreHeldOut(_ count: Int, share: Double) throws {
    let store = try TrainerTests.rows(count)
    let rows = try TrainingRows(store, holdingOut: share, seed: 1)
    #expect(!rows.training.isEmpty && !rows.validation.isEmpty)
    #expect((rows.training + rows.validation).sorted() == (0..<UInt32(count)).map { $0 })
    #expect(try TrainingRows(store, holdingOut: share, seed: 1).validation == rows.validation)
  }

  /// Variances of posterior means above 0.01 over the epoch, counted by hand.
  @Test func activeUnitsAreCounted() throws {
    var configuration = VAEConfiguration(inputShape: [4], hidden: [5], latent: 3)
    configuration.style.activation = .tanh
    let model = try VAE(configuration, seed: 2)
    let index = try #require(model.parameters.index(of: "encoder.mean.weight"))
    // The means of the first dimension do not move, those of the second hardly do.
    for i in 0..<5 { (model.parameters[index][i], model.parameters[index][5 + i]) = (0, 1e-4) }
    for i in 10..<15 { model.parameters[index][i] *= 20 }
    var options = options()
    options.epochs = 1
    options.optimiser.learningRate = 1e-12
    let store = try rowStore((0..<400).map { Float($0 * $0 % 101) / 100 }, shape: [4])
    let trainer = try Trainer(
      model, on: TrainingRows(store), options: options, pool: WorkerPool(threads: 1))
    var units: [Int] = []
    _ = try trainer.run {
      if case .epoch(let report, _, _) = $0 { units.append(report.activeUnits) }
    }
    #expect(units == [1])
  }
}
