extension VAE {
  /// Fills the parameters to begin training: from the seed, then the output's bias from the rows,
  /// then the weights of another model, as far as asked for.
  ///
  /// - Parameters:
  ///   - biasFrom: rows and which of them to learn from.
  ///   - weights: a model whose parameters have the same names and shapes; with `matching`, those
  ///     are taken that do.
  /// - Throws: `ModelError.differs` where they do not.
  public func start(
    seed: UInt64, biasFrom: (rows: RowStore, indices: [UInt32])? = nil,
    weights: (any LatentModel)? = nil, matching: Bool = false
  ) throws {
    parameters.initialise(seed: seed)
    if let biasFrom { setOutputBias(fromMeanOf: biasFrom.rows, indices: biasFrom.indices) }
    guard let weights else { return }
    var taken = 0
    for (index, spec) in parameters.specs.enumerated() {
      let other = weights.parameters.index(of: spec.name)
      guard let other, weights.parameters.specs[other].shape == spec.shape else {
        if matching { continue }
        throw ModelError.differs(
          name: spec.name, expected: spec.shape,
          got: other.map { weights.parameters.specs[$0].shape })
      }
      _ = parameters[index].update(fromContentsOf: weights.parameters[other])
      taken += 1
    }
    if taken == 0 { throw ModelError.nothingInCommon }
  }
}
