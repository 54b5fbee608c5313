/// A principal component analysis as a safetensors file: `components` [count, width], `mean`
/// [width], `explained_variance` and `explained_variance_ratio` [count].
extension PCA {
  private static let kind = "pca"

  /// Writes it; the same analysis is the same bytes. The sink is the caller's to finish.
  ///
  /// - Throws: `SafetensorsError` where a value is past the range of f4, before anything is
  ///   written.
  public func write(to sink: ByteSink) throws {
    func tensor(_ name: String, _ shape: [Int], _ values: [Double]) -> SafetensorsTensor {
      SafetensorsTensor(name: name, shape: shape, values: values.map { Float($0) })
    }
    try SafetensorsWriter.write(
      [
        tensor("components", [count, width], components),
        tensor("explained_variance", [count], explainedVariance),
        tensor("explained_variance_ratio", [count], explainedVarianceRatio),
        tensor("mean", [width], mean),
      ],
      metadata: [
        "format": "pt",
        "vae-tools.kind": Self.kind,
        "vae-tools.version": Release.version,
      ], to: sink)
  }

  /// Reads what `write` wrote.
  ///
  /// - Throws: `SafetensorsError` for a file that breaks the format or lacks a tensor,
  ///   `AnalysisError.notPCA` for one of another kind.
  public init(_ source: ByteSource) throws {
    let file = try SafetensorsFile(source)
    let kind = file.metadata["vae-tools.kind"]
    guard kind == Self.kind, let shape = file.entry("components")?.shape, shape.count == 2,
      shape[0] > 0, shape[1] > 0
    else {
      throw AnalysisError.notPCA(name: file.name, kind: kind)
    }
    func values(_ name: String, _ shape: [Int]) throws -> [Double] {
      try file.floats(name, shape: shape).map { Double($0) }
    }
    self.init(
      mean: try values("mean", [shape[1]]),
      components: try values("components", shape),
      explainedVariance: try values("explained_variance", [shape[0]]),
      explainedVarianceRatio: try values("explained_variance_ratio", [shape[0]]))
  }
}
