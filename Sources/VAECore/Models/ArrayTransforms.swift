/// Models on arrays in memory, rows one after the other. For streams there are `makeEncoder`,
/// `makeDecoder` and `makeScorer`.
extension LatentModel {
  /// The latents of rows [rows, inputSize]: [rows, latentSize].
  ///
  /// - Throws: `StreamError.wrongRowSize` where the values do not make whole rows, and as
  ///   `makeEncoder`.
  public func encode(
    _ rows: [Float], _ output: EncoderOutput = .mean, pool: WorkerPool
  ) throws -> [Float] {
    try makeEncoder(output, pool: pool).apply(rows)
  }

  /// The rows of latents [rows, latentSize]: [rows, inputSize].
  ///
  /// - Throws: as `encode`, and `makeDecoder`.
  public func decode(
    _ latents: [Float], _ output: DecoderOutput = .mean, pool: WorkerPool
  ) throws -> [Float] {
    try makeDecoder(output, pool: pool).apply(latents)
  }

  /// A score for each of rows [rows, inputSize].
  ///
  /// - Throws: as `encode`, and `makeScorer`.
  public func score(
    _ rows: [Float], _ options: ScoreOptions = ScoreOptions(), pool: WorkerPool
  ) throws -> [Float] {
    try makeScorer(options, pool: pool).apply(rows)
  }

  /// Writes the model to a file, whole or not at all.
  ///
  /// - Parameter training: how it came to be, as JSON.
  /// - Throws: `StreamError`, `SafetensorsError` where a value is not finite.
  public func write(to path: String, training: String = "{}") throws {
    let file = try AtomicFile(path: path)
    try ModelFile.write(self, training: training, to: file.sink)
    try file.commit()
  }
}

extension Model {
  /// Reads a model of this kind from a file.
  ///
  /// - Throws: as `ModelFile.read`; `ModelError.notAModel` for another kind.
  public convenience init(path: String) throws {
    let read = try ModelFile.read(try ByteSource(path: path))
    guard let model = read as? Self else {
      throw ModelError.notAModel(source: path, kind: read.kind)
    }
    try self.init(model.configuration)
    parameters.values.base.update(
      from: model.parameters.values.base, count: model.parameters.values.count)
  }
}

extension RowTransform {
  /// Transforms rows [rows, inputSize] to [rows, outputSize].
  ///
  /// - Throws: `StreamError.wrongRowSize` where the values do not make whole rows.
  public func apply(_ rows: [Float]) throws -> [Float] {
    guard rows.count % inputSize == 0 else {
      throw StreamError.wrongRowSize(
        name: "rows", row: rows.count / inputSize, expected: inputSize,
        got: rows.count % inputSize)
    }
    let count = rows.count / inputSize
    return [Float](unsafeUninitializedCapacity: count * outputSize) { result, written in
      rows.withUnsafeBufferPointer { rows in
        guard let input = rows.baseAddress, let output = result.baseAddress else { return }
        for first in stride(from: 0, to: count, by: capacity) {
          apply(
            input + first * inputSize, count: min(capacity, count - first), firstRow: first,
            into: output + first * outputSize)
        }
      }
      written = count * outputSize
    }
  }
}
