/// The model file: a safetensors file whose metadata names the kind of model, its configuration
/// and how it was trained. See vae-model(5).
public enum ModelFile {
  /// Reads a model.
  ///
  /// - Throws: `SafetensorsError` for a file that breaks the format, `ModelError` for one that is
  ///   no model or whose tensors do not fit its configuration.
  public static func read(_ source: ByteSource) throws -> any LatentModel {
    try model(in: SafetensorsFile(source))
  }

  /// The model that a file holds. Beside it a checkpoint has tensors of its own, `optimizer.*` and
  /// `best.*`.
  public static func model(in file: SafetensorsFile) throws -> any LatentModel {
    guard let kind = file.metadata["vae-tools.kind"] else {
      throw ModelError.notAModel(source: file.name, kind: nil)
    }
    guard let type = Architectures.models.first(where: { $0.kind == kind }) else {
      throw ModelError.notAModel(source: file.name, kind: kind)
    }
    let configuration = file.metadata["vae-tools.config"] ?? "{}"
    // The file must hold what its configuration claims before memory is taken for it.
    let specs: [ParameterSpec]
    do {
      specs = try type.layout(configurationJSON: configuration)
    } catch ModelError.badConfiguration(let what) {
      throw ModelError.unreadableConfiguration(source: file.name, what)
    }
    let names = Set(specs.map(\.name))
    let ours = file.metadata["vae-tools.checkpoint"] == nil ? [] : ["optimizer.", "best."]
    if let stranger = file.entries.first(where: { entry in
      !names.contains(entry.name) && !ours.contains { entry.name.hasPrefix($0) }
    }) {
      throw ModelError.unexpectedTensor(source: file.name, name: stranger.name)
    }
    let values = try specs.map { try file.floats($0.name, shape: $0.shape) }
    let model = try type.init(configurationJSON: configuration)
    for (index, values) in values.enumerated() {
      model.parameters.setFileValues(index, values)
    }
    return model
  }

  /// Writes a model; the same model and record are the same bytes. The sink is the caller's to
  /// finish.
  ///
  /// - Parameters:
  ///   - training: how the model came to be, as JSON.
  ///   - tensors: what a checkpoint holds besides; `metadata` likewise.
  /// - Throws: `SafetensorsError` where a value is not finite, before anything is written.
  public static func write(
    _ model: any LatentModel, training: String, tensors: [SafetensorsTensor] = [],
    metadata: [String: String] = [:], to sink: ByteSink
  ) throws {
    let parameters = model.parameters.specs.enumerated().map { index, spec in
      SafetensorsTensor(
        name: spec.name, shape: spec.shape, values: model.parameters.fileValues(index))
    }
    let own = [
      "format": "pt",
      "vae-tools.kind": model.kind,
      "vae-tools.version": Release.version,
      "vae-tools.config": try model.configurationJSON(),
      "vae-tools.training": training,
    ]
    try SafetensorsWriter.write(
      parameters + tensors, metadata: own.merging(metadata) { own, _ in own }, to: sink)
  }
}
