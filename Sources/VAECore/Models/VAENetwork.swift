/// The layers of a VAE laid out for blocks of rows in one precision.
struct VAENetwork {
  /// Hidden layers of the encoder, then its two heads as one layer.
  let encoder: [Dense]
  /// Hidden layers of the decoder, then its output.
  let decoder: [Dense]

  init(_ model: VAE, precision: Precision, block: Int, workers: Int) throws {
    let store = model.parameters
    let configuration = model.configuration
    if precision == .bf16 { try store.refreshCopy() }
    func layer(_ weight: String, _ bias: String, _ inputs: Int, _ outputs: Int, hidden: Bool) throws
      -> Dense
    {
      guard let w = store.index(of: weight), let b = store.index(of: bias) else {
        preconditionFailure("the store has every parameter of the model")
      }
      return try Dense(
        store, weight: w, bias: b, inputs: inputs, outputs: outputs, relu: hidden,
        precision: precision, output: hidden ? precision : .f32, block: block, workers: workers)
    }
    func stack(_ part: String, _ widths: [Int]) throws -> [Dense] {
      try zip(widths, widths.dropFirst()).enumerated().map { index, pair in
        try layer(
          "\(part).\(index).weight", "\(part).\(index).bias", pair.0, pair.1, hidden: true)
      }
    }
    let hidden = configuration.hidden
    let latent = configuration.latent
    let inputs = model.inputSize
    encoder =
      try stack("encoder", [inputs] + hidden) + [
        layer(
          "encoder.mean.weight", "encoder.mean.bias", hidden.last ?? inputs, 2 * latent,
          hidden: false)
      ]
    decoder =
      try stack("decoder", [latent] + hidden.reversed()) + [
        layer(
          "decoder.output.weight", "decoder.output.bias", hidden.first ?? latent, inputs,
          hidden: false)
      ]
  }
}
