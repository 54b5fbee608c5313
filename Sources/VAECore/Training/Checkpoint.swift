import FoundationEssentials

/// Where a run is: all that a trainer remembers besides parameters and optimiser.
struct TrainingState: Codable {
  /// Steps taken, over the whole run.
  var step = 0
  /// Epochs that ended.
  var epochsDone = 0
  /// Steps taken in the epoch at hand.
  var stepsInEpoch = 0
  var sums: LossSums
  var squaredNorms = 0.0
  var last: EpochReport?
  /// The best validation loss and its epoch.
  var bestLoss: Double?
  var bestEpoch = 0
  /// What that epoch came to.
  var best: EpochReport?

  /// What the epoch came to whose parameters are kept.
  var kept: EpochReport? { bestLoss == nil ? last : best ?? last }
}

/// A run that can be taken up again: a model file that also holds the optimiser (tensors
/// `optimizer.first.*`, `optimizer.second.*`), the best parameters so far where they are kept
/// (`best.*`), and the position in the run.
public struct Checkpoint {
  public let model: any LatentModel
  /// The options of the run.
  private let options: [String: String]
  let sha256: String
  private let labelsSHA256: String?
  let state: TrainingState
  private let file: SafetensorsFile

  /// - Throws: as `ModelFile.read`; `TrainingError.notACheckpoint` for a model.
  public init(_ source: ByteSource) throws {
    file = try SafetensorsFile(source)
    guard let position = file.metadata["vae-tools.checkpoint"],
      let training = file.metadata["vae-tools.training"]
    else { throw TrainingError.notACheckpoint(source: file.name) }
    model = try ModelFile.model(in: file)
    do {
      let decoder = JSONDecoder()
      decoder.keyDecodingStrategy = .convertFromSnakeCase
      state = try decoder.decode(TrainingState.self, from: Data(position.utf8))
      guard case .object(let record) = JSONValue(text: training),
        case .string(let sha256)? = record["sha256"], let options = record["options"]
      else { throw TrainingError.brokenCheckpoint(source: file.name, fault: "no options") }
      (self.options, self.sha256) = (EarlierOptions.renamed(options), sha256)
      if case .string(let labels)? = record["labels_sha256"] {
        labelsSHA256 = labels
      } else {
        labelsSHA256 = nil
      }
    } catch let error as DecodingError {
      throw TrainingError.brokenCheckpoint(source: file.name, fault: error.fault)
    }
    try checkFigures()
  }

  /// Refuses figures that no run has.
  private func checkFigures() throws {
    func require(_ condition: Bool, _ what: String) throws {
      guard condition else { throw TrainingError.brokenCheckpoint(source: name, fault: what) }
    }
    let count = 0...1 << 40
    try require(count ~= state.step, "step \(state.step)")
    try require(0...1 << 20 ~= state.epochsDone, "epochs_done \(state.epochsDone)")
    try require(0...state.epochsDone ~= state.bestEpoch, "best_epoch \(state.bestEpoch)")
    try require(count ~= state.stepsInEpoch, "steps_in_epoch \(state.stepsInEpoch)")
    try require(
      state.squaredNorms.isFinite && state.squaredNorms >= 0, "squared_norms \(state.squaredNorms)")
    try require(state.sums.fits(latent: model.latentSize), "sums")
    try require(state.bestLoss?.isFinite ?? true, "best_loss")
    try require((state.bestLoss == nil) == (state.bestEpoch == 0), "best_epoch without best_loss")
  }

  /// Refuses a position that a run of so many steps an epoch on so many rows does not come to.
  func check(stepsPerEpoch: Int, batch: Int, rows: Int) throws {
    let (steps, overflow) = state.epochsDone.multipliedReportingOverflow(by: stepsPerEpoch)
    let (taken, beyond) = state.stepsInEpoch.multipliedReportingOverflow(by: batch)
    let expected = min(rows, beyond ? .max : taken)
    guard !overflow, state.stepsInEpoch <= stepsPerEpoch, state.step == steps + state.stepsInEpoch
    else {
      throw TrainingError.brokenCheckpoint(
        source: name,
        fault: "step \(state.step) is not \(state.epochsDone) epochs of \(stepsPerEpoch) "
          + "steps and \(state.stepsInEpoch) more")
    }
    guard state.sums.rows == expected else {
      throw TrainingError.brokenCheckpoint(
        source: name, fault: "sums of \(state.sums.rows) rows, expected \(expected)")
    }
  }

  var name: String { file.name }

  /// Fills a buffer laid out as the model's parameters from the tensors `prefix` + name, which must
  /// all be there; one that the run has no use for is empty.
  func restore(_ buffer: AlignedBuffer<Float>, prefix: String) throws {
    guard buffer.count == model.parameters.values.count else { return }
    for (index, spec) in model.parameters.specs.enumerated() {
      let values = try file.floats(prefix + spec.name, shape: spec.shape)
      model.parameters.setFileValues(index, values, in: buffer)
    }
  }

  /// Refuses to go on where the run differs from the one that was begun. More epochs are fine.
  func check(
    options asked: TrainingOptions, model: any LatentModel, sha256: String, labelsSHA256: String?
  ) throws {
    guard self.sha256 == sha256 else {
      throw TrainingError.otherRun(
        source: name, what: "rows of SHA-256", made: self.sha256, asked: sha256)
    }
    guard self.labelsSHA256 == labelsSHA256 else {
      throw TrainingError.otherRun(
        source: name, what: "labels of SHA-256", made: self.labelsSHA256 ?? "none",
        asked: labelsSHA256 ?? "none")
    }
    try compare(
      JSONValue(text: self.model.configurationJSON()).fields, model.configurationJSON(),
      defaults: "{}")
    var complete = TrainingOptions()
    (complete.patience, complete.optimiser.clipNorm) = (1, 1)
    let known = JSONValue(text: try sortedJSON(complete)).fields
    if let unknown = options.keys.sorted().first(where: { known[$0] == nil }) {
      throw TrainingError.unknownOption(source: name, option: unknown)
    }
    try compare(
      options, sortedJSON(asked), defaults: sortedJSON(TrainingOptions()), except: ["epochs"])
  }

  /// Compares two objects field by field; a field that the first lacks has its default, as in files
  /// of versions that did not know it.
  private func compare(
    _ made: [String: String], _ asked: String, defaults: String, except: Set<String> = []
  ) throws {
    let (asked, defaults) = (JSONValue(text: asked).fields, JSONValue(text: defaults).fields)
    for path in Set(made.keys).union(asked.keys).subtracting(except).sorted() {
      // An option without a value is left out.
      let (before, now) = (made[path] ?? defaults[path] ?? "none", asked[path] ?? "none")
      guard before == now else {
        throw TrainingError.otherRun(source: name, what: path, made: before, asked: now)
      }
    }
  }

  /// Writes a checkpoint, whole or not at all.
  static func write(
    _ path: String, model: any LatentModel, record: TrainingRecord, state: TrainingState,
    buffers: [(prefix: String, AlignedBuffer<Float>)]
  ) throws {
    let store = model.parameters
    let extra = buffers.filter { $0.1.count == store.values.count }.flatMap { prefix, buffer in
      store.specs.enumerated().map { index, spec in
        SafetensorsTensor(
          name: prefix + spec.name, shape: spec.shape,
          values: store.fileValues(index, in: buffer))
      }
    }
    let file = try AtomicFile(path: path)
    try ModelFile.write(
      model, training: sortedJSON(record), tensors: extra,
      metadata: ["vae-tools.checkpoint": try sortedJSON(state)], to: file.sink)
    try file.commit()
  }
}
