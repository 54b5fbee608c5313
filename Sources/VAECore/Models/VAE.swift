/// A variational or plain autoencoder: see `VAEConfiguration`.
public typealias VAE = Model<VAEConfiguration>

extension Model where Configuration == VAEConfiguration {
  /// Makes initial weights ready for training: the output's bias from the rows, then the weights of
  /// another model, as far as asked for.
  ///
  /// - Parameters:
  ///   - biasFrom: rows and which of them to learn from.
  ///   - weights: a model whose parameters have the same names and shapes; with `matching`, those
  ///     are taken that do.
  /// - Throws: `ModelError.differs` where they do not.
  public func start(
    biasFrom: (rows: RowStore, indices: [UInt32])? = nil,
    weights: (any LatentModel)? = nil, matching: Bool = false
  ) throws {
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
      parameters.setFileValues(index, weights.parameters.fileValues(other))
      taken += 1
    }
    if taken == 0 { throw ModelError.nothingInCommon }
  }

  /// Starts the decoder's output bias at the mean of the rows, as the likelihood has it, so that
  /// training need not find it.
  public func setOutputBias(fromMeanOf rows: RowStore, indices: [UInt32]) {
    guard let index = parameters.index(of: "decoder.output.bias"), !indices.isEmpty else { return }
    let bias = parameters[index]
    var sums = [Double](repeating: 0, count: inputSize)
    for row in indices {
      let start = Int(row) * inputSize
      if let bytes = rows.bytes {
        for i in sums.indices { sums[i] += Double(bytes[start + i]) / 255 }
      } else if let floats = rows.floats {
        for i in sums.indices { sums[i] += Double(floats[start + i]) }
      }
    }
    // A bias stands for one value of a row, or for a channel.
    let each = inputSize / bias.count
    let areAdjacent = configuration.convolution?.layout == .channelsFirst
    for i in bias.indices {
      let values = (0..<each).map { areAdjacent ? i * each + $0 : $0 * bias.count + i }
      let mean = values.reduce(0) { $0 + sums[$1] } / Double(indices.count * each)
      bias[i] = Float(configuration.likelihood.bias(forMean: mean))
    }
  }
}
