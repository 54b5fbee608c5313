/// The model file: a safetensors file whose metadata names the kind of model, its configuration
/// and how it was trained. See vae-model(5).
public enum ModelFile {
  /// The models this version knows, by `vae-tools.kind`.
  private static let kinds: [any LatentModel.Type] = [VAE.self]

  /// Reads a model.
  ///
  /// - Throws: `SafetensorsError` for a file that breaks the format, `ModelError` for one that is
  ///   no model or whose tensors do not fit its configuration.
  public static func read(_ source: ByteSource) throws -> any LatentModel {
    let file = try SafetensorsFile(source)
    guard let kind = file.metadata["vae-tools.kind"] else {
      throw ModelError.notAModel(source: file.name, kind: nil)
    }
    guard let type = kinds.first(where: { $0.kind == kind }) else {
      throw ModelError.notAModel(source: file.name, kind: kind)
    }
    let configuration = file.metadata["vae-tools.config"] ?? "{}"
    // The file must hold what its configuration claims before memory is taken for it.
    let specs = try type.layout(configurationJSON: configuration)
    let names = Set(specs.map(\.name))
    if let stranger = file.entries.first(where: { !names.contains($0.name) }) {
      throw ModelError.unexpectedTensor(source: file.name, name: stranger.name)
    }
    let values = try specs.map { try file.floats($0.name, shape: $0.shape) }
    let model = try type.init(configurationJSON: configuration)
    for (index, values) in values.enumerated() {
      _ = model.parameters[index].update(fromContentsOf: values)
    }
    return model
  }

  /// Writes a model; the same model and record are the same bytes. The sink is the caller's to
  /// finish.
  ///
  /// - Throws: `SafetensorsError` where a parameter is not finite, before anything is written.
  public static func write(
    _ model: any LatentModel, training: TrainingRecord, to sink: ByteSink
  ) throws {
    let tensors = model.parameters.specs.enumerated().map { index, spec in
      SafetensorsTensor(
        name: spec.name, shape: spec.shape, values: Array(model.parameters[index]))
    }
    try SafetensorsWriter.write(
      tensors,
      metadata: [
        "format": "pt",
        "vae-tools.kind": model.kind,
        "vae-tools.version": Release.version,
        "vae-tools.config": try model.configurationJSON(),
        "vae-tools.training": try sortedJSON(training),
      ], to: sink)
  }
}
