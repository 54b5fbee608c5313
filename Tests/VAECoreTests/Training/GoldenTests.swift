import Foundation
import Testing
import VAECore

/// Training steps against PyTorch's in float64, from Tests/Goldens/make_training.py, which draws
/// the engine's own noise by a generator written in NumPy from its definition.
struct GoldenTests {
  static let steps = GoldenFile("steps")
  static let optimisers = GoldenFile("optimisers")
  static let bf16 = GoldenFile("bf16")
  static let convolution = GoldenFile("convolution")
  static let conditional = GoldenFile("conditional")

  @Test(arguments: GoldenTests.steps.cases)
  func stepIsPyTorchs(_ name: String) throws {
    try compareStep(Self.steps, name)
  }

  /// In bf16 products read rounded numbers and sum them exactly: a step is that of PyTorch's float64
  /// with the same roundings. The runs keep clear of ties between two bf16, so what differs is f32's
  /// rounding of sums, as without bf16.
  @Test(.enabled(if: MatmulTests.hasBF16), arguments: GoldenTests.bf16.cases)
  func stepInBF16IsPyTorchsWithTheSameRoundings(_ name: String) throws {
    try compareStep(Self.bf16, name)
  }

  @Test(arguments: GoldenTests.convolution.cases)
  func stepOfConvolutionsIsPyTorchs(_ name: String) throws {
    // Sums over hundreds of places, which cancel where batch normalisation follows.
    try compareStep(Self.convolution, name, absolute: 4e-6)
  }

  @Test(arguments: GoldenTests.conditional.cases)
  func stepOfConditionalModelsIsPyTorchs(_ name: String) throws {
    try compareStep(Self.conditional, name, absolute: 4e-6)
    try compareRun(Self.conditional, name)
  }

  private func compareStep(_ golden: GoldenFile, _ name: String, absolute: Double = 1e-6) throws {
    let run = try GoldenRun(golden, name)
    run.learn(step: 1)
    let losses = run.losses
    expectClose([losses.loss], [run.figures.losses[0]], relative: 1e-5, "loss")
    expectClose(
      [losses.reconstruction ?? .nan], [run.figures.recon], relative: 1e-5, "reconstruction")
    // A divergence is a difference of numbers near 1 for each of 3 dimensions.
    expectClose([losses.kl ?? .nan], [run.figures.kl], relative: 1e-5, absolute: 1e-6, "divergence")

    let collector = Collector(run.model.parameters)
    for phase in run.graph.gradients(into: collector) { run.pool.run(phase) }
    let expected = try golden.parameters("\(name).gradient", of: run.model)
    for (index, spec) in run.model.parameters.specs.enumerated() where spec.isTrained {
      // rtol 1e-5, and as much of the tensor's largest value: sums of five rows round by units of
      // their largest term, not of what is left when terms cancel. Where batch normalisation takes
      // a bias away again nothing is left: terms of order 1 that round by 1e-7.
      let scale = expected[index].map { Double(abs($0)) }.max() ?? 0
      expectClose(
        collector.gradient(index), expected[index], relative: 1e-5,
        absolute: max(1e-5 * scale, absolute),
        spec.name)
    }
  }

  @Test(arguments: GoldenTests.steps.cases)
  func tenStepsArePyTorchs(_ name: String) throws {
    try compareRun(Self.steps, name)
  }

  @Test(arguments: GoldenTests.convolution.cases)
  func stepsOfConvolutionsArePyTorchs(_ name: String) throws {
    try compareRun(Self.convolution, name)
  }

  @Test(arguments: GoldenTests.optimisers.cases)
  func twentyStepsOfTheRuleArePyTorchs(_ name: String) throws {
    try compareRun(Self.optimisers, name)
  }

  private func compareRun(_ golden: GoldenFile, _ name: String) throws {
    let run = try GoldenRun(golden, name)
    let options = try golden.decode(OptimiserOptions.self, "\(name).optimiser")
    let update = try Update(run.graph, store: run.model.parameters, options: options)
    for (index, loss) in run.figures.losses.enumerated() {
      run.learn(step: index + 1)
      expectClose([run.losses.loss], [loss], relative: 2e-5, "loss of step \(index + 1)")
      update.begin(step: index + 1, learningRate: options.learningRate)
      for phase in update.phases { run.pool.run(phase) }
    }
    let expected = try golden.parameters("\(name).after", of: run.model)
    for (index, spec) in run.model.parameters.specs.enumerated() {
      // A step of Adam is about the rate whatever the gradient: where that is rounding error, so
      // is the step's direction; weights are of order 0.1 to 1.
      expectClose(
        run.model.parameters.fileValues(index), expected[index], relative: 1e-5,
        absolute: 1e-5, spec.name)
    }
  }
}

/// A golden file and its cases.
struct GoldenFile: @unchecked Sendable {
  let file: SafetensorsFile
  let cases: [String]

  init(_ name: String) {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent()
    do {
      file = try SafetensorsFile(path: folder.path + "/Goldens/\(name).safetensors")
    } catch {
      fatalError("\(error)")
    }
    cases = file.metadata.keys.filter { $0.hasSuffix(".figures") }
      .map { String($0.dropLast(".figures".count)) }.sorted()
  }

  /// Values by parameter, which lie one behind another in one tensor, or each in one of its own.
  func parameters(_ name: String, of model: VAE) throws -> [[Float]] {
    guard file.entry(name) != nil else {
      return try model.parameters.specs.map { try file.floats("\(name).\($0.name)") }
    }
    var rest = try file.floats(name)[...]
    return model.parameters.specs.map { spec in
      defer { rest = rest.dropFirst(spec.count) }
      return Array(rest.prefix(spec.count))
    }
  }

  func decode<T: Decodable>(_ type: T.Type, _ key: String) throws -> T {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(type, from: Data(file.metadata[key, default: ""].utf8))
  }
}

/// A case of a golden file, laid out on the engine with two workers.
final class GoldenRun {
  struct Figures: Decodable {
    let seed: UInt64
    let losses: [Double]
    let recon: Double
    let kl: Double
  }

  private struct Input: Decodable {
    let binarise: Binarisation
    let precision: Precision
  }

  let figures: Figures
  let model: VAE
  let graph: TrainingGraph
  let pool: WorkerPool
  let inputs: [[Float]]
  private let indices: [UInt32]

  init(_ golden: GoldenFile, _ name: String) throws {
    figures = try golden.decode(Figures.self, "\(name).figures")
    model = try VAE(configurationJSON: golden.file.metadata["\(name).config", default: ""])
    model.parameters.initialise(seed: figures.seed)
    if golden.file.entries.contains(where: { $0.name.hasPrefix("\(name).initial") }) {
      let initial = try golden.parameters("\(name).initial", of: model)
      for (index, values) in initial.enumerated() {
        model.parameters.setFileValues(index, values)
      }
    }
    let own = "\(name).inputs"
    var inputs = try golden.file.floats(golden.file.entry(own) == nil ? "inputs" : own)
    switch model.configuration.likelihood {
    case is Bernoulli: break
    case is Logistic: inputs = inputs.map { ($0 * 255).rounded() / 255 }
    default: inputs = inputs.map { $0 * 3 - 1 }
    }
    let rows = try rowStore(inputs, shape: model.inputShape)
    let width = model.inputSize
    self.inputs = stride(from: 0, to: inputs.count, by: width).map {
      Array(inputs[$0..<$0 + width])
    }
    var options = GraphOptions()
    options.seed = figures.seed
    options.objective = try golden.decode(Objective.self, "\(name).objective")
    let input = try golden.decode(Input.self, "\(name).objective")
    options.binarisation = input.binarise
    options.precision = input.precision
    pool = try WorkerPool(threads: 2)
    indices = Array(0..<UInt32(rows.rows))
    let classes = UInt32(model.configuration.classes.count)
    graph = try TrainingGraph(
      model, rows: Columns(rows, labels: classes == 0 ? nil : indices.map { $0 % classes }),
      options: options, pool: pool)
  }

  /// The forward and backward pass of all rows.
  func learn(step: Int) {
    indices.withUnsafeBufferPointer {
      graph.batch = Batch(indices: $0, step: UInt32(step))
      for phase in graph.learn { pool.run(phase) }
    }
  }

  /// Means over the rows.
  var losses: Losses {
    let batch = graph.losses
    let rows = Double(indices.count)
    func mean(_ values: UnsafePointer<Double>) -> Double {
      indices.indices.reduce(0) { $0 + values[$1] } / rows
    }
    return Losses(
      loss: mean(batch.objective) + batch.freeNats,
      terms: Dictionary(uniqueKeysWithValues: batch.terms.map { ($0.name, mean($0.values)) }))
  }

}
