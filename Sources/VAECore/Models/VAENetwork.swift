/// The layers of a VAE, laid out for blocks of rows in one precision.
struct VAENetwork {
  let encoder: [HiddenLayer]
  /// [μ | v], or the code of a plain autoencoder.
  let heads: Dense
  let decoder: [HiddenLayer]
  /// What the likelihood reads.
  let output: Dense
  let scratch: WorkerScratch

  /// - Parameter particles: decoder rows for each row of the encoder.
  init(
    _ model: VAE, precision: Precision, blocks: RowBlocks, particles: Int = 1, workers: Int
  ) throws {
    let store = model.parameters
    let configuration = model.configuration
    let scratch = try WorkerScratch(workers: workers)
    self.scratch = scratch
    let decoderBlocks = blocks.times(particles)
    func stack(_ part: String, _ widths: [Int], _ blocks: RowBlocks, first: Int) throws
      -> [HiddenLayer]
    {
      try zip(widths, widths.dropFirst()).enumerated().map { index, pair in
        try HiddenLayer(
          "\(part).\(index)", in: store, inputs: pair.0, outputs: pair.1,
          style: configuration.style, number: first + index, precision: precision,
          blocks: blocks, scratch: scratch, workers: workers)
      }
    }
    let hidden = configuration.hidden
    let latent = configuration.latent
    let inputs = model.inputSize
    encoder = try stack("encoder", [inputs] + hidden, blocks, first: 0)
    heads = try Dense(
      "encoder.mean", in: store, inputs: hidden.last ?? inputs,
      outputs: configuration.code == .plain ? latent : 2 * latent, precision: precision,
      block: blocks.size, workers: workers)
    decoder = try stack(
      "decoder", [latent] + hidden.reversed(), decoderBlocks, first: hidden.count)
    output = try Dense(
      "decoder.output", in: store, inputs: hidden.first ?? latent,
      outputs: inputs * configuration.likelihood.outputsPerValue, precision: precision,
      block: decoderBlocks.size, workers: workers)
    try scratch.reserve(blocks.size * max(inputs, heads.inputs))
    try scratch.reserve(decoderBlocks.size * max(latent, output.inputs))
  }

  /// The heads of the block at `row` from its inputs, as a trained model computes them.
  func encode(
    _ x: UnsafeRawPointer, into result: UnsafeMutablePointer<Float>, row: Int, rows: Int,
    worker: Int
  ) {
    run(encoder, x, row: row, rows: rows, worker: worker) {
      heads.forward($0, into: result, worker: worker)
    }
  }

  /// The decoder's output for the block at `row` from its latents.
  func decode(
    _ z: UnsafeRawPointer, into result: UnsafeMutablePointer<Float>, row: Int, rows: Int,
    worker: Int
  ) {
    run(decoder, z, row: row, rows: rows, worker: worker) {
      output.forward($0, into: result, worker: worker)
    }
  }

  private func run(
    _ layers: [HiddenLayer], _ x: UnsafeRawPointer, row: Int, rows: Int, worker: Int,
    then last: (UnsafeRawPointer) -> Void
  ) {
    var x = x
    for layer in layers {
      layer.apply(x, row: row, rows: rows, worker: worker)
      x = UnsafeRawPointer(layer.values[row])
    }
    last(x)
  }
}
