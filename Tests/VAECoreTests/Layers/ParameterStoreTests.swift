import Testing
import VAECore

struct ParameterStoreTests {
  private func model(_ scheme: InitialiserScheme = .pytorch) throws -> VAE {
    var configuration = VAEConfiguration(inputShape: [5, 6], hidden: [40, 7], latent: 3)
    configuration.scheme = scheme
    configuration.style.batchNorm = true
    return try VAE(configuration, seed: 1)
  }

  /// Names and shapes are PyTorch's.
  @Test func layoutIsThatOfTheFile() throws {
    let specs = try model().parameters.specs
    #expect(
      specs.filter { $0.name.hasPrefix("encoder.") }.map(\.name) == [
        "encoder.0.weight", "encoder.0.bias", "encoder.0.norm.weight", "encoder.0.norm.bias",
        "encoder.0.norm.running_mean", "encoder.0.norm.running_var", "encoder.1.weight",
        "encoder.1.bias", "encoder.1.norm.weight", "encoder.1.norm.bias",
        "encoder.1.norm.running_mean", "encoder.1.norm.running_var", "encoder.mean.weight",
        "encoder.logvar.weight", "encoder.mean.bias", "encoder.logvar.bias",
      ])
    let shapes = Dictionary(uniqueKeysWithValues: specs.map { ($0.name, $0.shape) })
    #expect(shapes["encoder.0.weight"] == [40, 30])
    #expect(shapes["decoder.0.weight"] == [7, 3])
    #expect(shapes["decoder.1.weight"] == [40, 7])
    #expect(shapes["decoder.output.weight"] == [30, 40])
    #expect(shapes["decoder.output.bias"] == [30])
  }

  @Test func arraysLieOnCacheLinesUnlessJoined() throws {
    let store = try model().parameters
    #expect(UInt(bitPattern: store.values.base) % 64 == 0)
    var end = 0
    for (spec, offset) in zip(store.specs, store.offsets) {
      let joined = spec.name.hasPrefix("encoder.logvar")
      #expect(joined ? offset == end : offset % 16 == 0, "\(spec.name)")
      #expect(offset >= end)
      end = offset + spec.count
    }
    #expect(end <= store.values.count)
  }

  @Test(arguments: InitialiserScheme.allCases)
  func weightsStartWithinTheirBounds(_ scheme: InitialiserScheme) throws {
    let store = try model(scheme).parameters
    for (index, spec) in store.specs.enumerated() where spec.shape.count == 2 {
      let (outputs, inputs) = (Double(spec.shape[0]), Double(spec.shape[1]))
      let bound =
        scheme == .pytorch
        ? 1 / inputs.squareRoot() : (6 / (inputs + outputs)).squareRoot()
      let values = store[index].map(Double.init)
      #expect(values.allSatisfy { abs($0) <= bound * (1 + 1e-6) }, "\(spec.name)")
      // The variance of a uniform is bound²/3; that of its estimate from n values is 0.8·σ⁴/n.
      let variance = values.reduce(0) { $0 + $1 * $1 } / Double(values.count)
      let error = (0.8 / Double(values.count)).squareRoot()
      #expect(abs(variance / (bound * bound / 3) - 1) < 5 * error, "\(spec.name)")
    }
    for (index, spec) in store.specs.enumerated() where spec.shape.count == 1 {
      let isOne = spec.name.hasSuffix("norm.weight") || spec.name.hasSuffix("running_var")
      let isZero =
        spec.name.hasSuffix("norm.bias") || spec.name.hasSuffix("running_mean")
        || scheme == .glorot
      if isOne || isZero { #expect(store[index].allSatisfy { $0 == (isOne ? 1 : 0) }) }
    }
  }

  @Test func outputBiasStartsAtTheMean() throws {
    let rows = try rowStore([0, 0.25, 1, 0.5, 0, 0.75, 1, 0.5], shape: [4])
    let model = try VAE(VAEConfiguration(inputShape: [4], hidden: [3], latent: 2), seed: 1)
    try model.start(biasFrom: (rows, [0, 1]))
    let bias = model.parameters[try #require(model.parameters.index(of: "decoder.output.bias"))]
    // Logits of 0 and 1 held to a thousandth, of ½ and ½.
    expectClose(
      Array(bias), [-6.906754778648554, 0, 6.906754778648554, 0], relative: 1e-6, absolute: 1e-7,
      "bias")
    let gaussian = try VAE(
      VAEConfiguration(inputShape: [4], hidden: [3], latent: 2, likelihood: gaussian(.fixed(1))),
      seed: 1)
    try gaussian.start(biasFrom: (rows, [1]))
    let index = try #require(gaussian.parameters.index(of: "decoder.output.bias"))
    #expect(Array(gaussian.parameters[index]) == [0, 0.75, 1, 0.5])
  }

  @Test func weightsOfAnotherModelAreTakenWhereTheyFit() throws {
    func vae(_ hidden: [Int], seed: UInt64 = 2) throws -> VAE {
      try VAE(VAEConfiguration(inputShape: [4], hidden: hidden, latent: 2), seed: seed)
    }
    let (source, same, wider) = (try vae([5], seed: 1), try vae([5]), try vae([6]))
    try same.start(weights: source)
    for index in source.parameters.specs.indices {
      #expect(same.parameters[index].elementsEqual(source.parameters[index]))
    }
    #expect(throws: ModelError.differs(name: "encoder.0.weight", expected: [6, 4], got: [5, 4])) {
      try wider.start(weights: source)
    }
    let deeper = try vae([5, 3])
    try deeper.start(weights: source, matching: true)
    let fresh = try vae([5, 3])
    for (index, spec) in deeper.parameters.specs.enumerated() {
      let theirs = source.parameters.index(of: spec.name).flatMap {
        source.parameters.specs[$0].shape == spec.shape ? source.parameters[$0] : nil
      }
      let expected = theirs ?? fresh.parameters[index]
      #expect(deeper.parameters[index].elementsEqual(expected), "\(spec.name)")
    }
    let other = try VAE(VAEConfiguration(inputShape: [9], hidden: [8], latent: 7))
    #expect(throws: ModelError.nothingInCommon) {
      try other.start(weights: source, matching: true)
    }
  }
}
