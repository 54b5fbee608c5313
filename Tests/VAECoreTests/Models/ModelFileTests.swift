import Foundation
import Testing
import VAECore

struct ModelFileTests {
  static func bytes(of model: VAE, metadata: [String: String] = [:]) throws -> [UInt8] {
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).vae"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try AtomicFile(path: path)
    try ModelFile.write(model, training: "{}", metadata: metadata, to: file.sink)
    try file.commit()
    return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
  }

  static func model(_ configure: (inout VAEConfiguration) -> Void = { _ in }) throws -> VAE {
    var configuration = VAEConfiguration(inputShape: [2, 3], hidden: [5, 4], latent: 2)
    configure(&configuration)
    return try VAE(configuration, seed: 3)
  }

  static let configurations: [@Sendable (inout VAEConfiguration) -> Void] = [
    { _ in }, { $0.family = .plain }, { $0.likelihood = gaussian(.fixed(0.5)) },
    { $0.likelihood = gaussian(.learned) }, { $0.likelihood = gaussian(.pixel) },
    { $0.style.batchNorm = true }, { $0.style.activation = .silu },
  ]

  @Test(arguments: configurations.indices)
  func modelsComeBack(_ index: Int) throws {
    let model = try Self.model(Self.configurations[index])
    let bytes = try Self.bytes(of: model)
    let read = try ModelFile.read(ByteSource(bytes: bytes, name: "m"))
    #expect(try read.configurationJSON() == model.configurationJSON())
    for index in model.parameters.specs.indices {
      #expect(read.parameters[index].elementsEqual(model.parameters[index]))
    }
    #expect(try Self.bytes(of: model) == bytes)
  }

  /// A file with this configuration and the tensors of a small model.
  private func read(config: String) throws -> any LatentModel {
    let tensor = SafetensorsTensor(name: "encoder.0.weight", shape: [2, 2], values: [0, 0, 0, 0])
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).vae"
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try AtomicFile(path: path)
    try SafetensorsWriter.write(
      [tensor], metadata: ["vae-tools.kind": "vae", "vae-tools.config": config], to: file.sink)
    try file.commit()
    return try ModelFile.read(ByteSource(path: path))
  }

  @Test(arguments: [
    "", "{}", "[]", "nonsense",
    #"{"input_shape":[1073741824,1073741824],"hidden":[400],"latent":20,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[4611686018427387904,4],"hidden":[4],"latent":2,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[784],"hidden":[1000000000],"latent":20,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[784],"hidden":[70000000],"latent":20,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[-784],"hidden":[4],"latent":2,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[784],"hidden":[0],"latent":2,"likelihood":"bernoulli","beta":1}"#,
    #"{"input_shape":[784],"hidden":[4],"latent":2,"likelihood":"cauchy","beta":1}"#,
    #"{"input_shape":[784],"hidden":[4],"latent":2,"likelihood":"gaussian","sigma":-1,"beta":1}"#,
    #"{"input_shape":[784],"hidden":[4],"latent":2,"likelihood":"gaussian","beta":1}"#,
    #"{"input_shape":[4],"hidden":[4],"latent":2,"likelihood":"bernoulli","beta":1}"#,
  ])
  func hostileConfigurationsAreRefused(_ config: String) {
    #expect { try read(config: config) } throws: { ($0 as? any Failure)?.kind == .badData }
  }

  @Test func otherKindsAndStrayTensorsAreRefused() throws {
    let stray = try Self.model()
    let bytes = try Self.bytes(of: stray)
    let text = String(decoding: bytes.prefix(3000), as: UTF8.self)
    #expect(text.contains("vae-tools.kind"))
    let plain = SafetensorsTensor(name: "x", shape: [1], values: [1])
    let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).vae"
    defer { try? FileManager.default.removeItem(atPath: path) }
    for metadata in [[:], ["vae-tools.kind": "dictionary"]] {
      let file = try AtomicFile(path: path)
      try SafetensorsWriter.write([plain], metadata: metadata, to: file.sink)
      try file.commit()
      #expect(throws: ModelError.self) { try ModelFile.read(ByteSource(path: path)) }
    }
  }

  /// Encoder and decoder against the naive network, at every tail of a block.
  @Test(arguments: [1, 2, 63, 64, 65, 200])
  func transformsAreTheNetwork(_ rows: Int) throws {
    let model = try Self.model()
    let pool = try WorkerPool(threads: 2)
    let x = KernelTests.values(rows * 6, scale: 0.3)
      .map { abs($0).truncatingRemainder(dividingBy: 1) }
    let encoder = try model.makeEncoder(.mean, pool: pool)
    var z = [Float](repeating: 0, count: rows * 2)
    encoder.apply(x, count: rows, firstRow: 0, into: &z)
    func linear(_ name: String, _ x: [Double]) throws -> [Double] {
      let weight = model.parameters[try #require(model.parameters.index(of: name + ".weight"))]
      let bias = model.parameters[try #require(model.parameters.index(of: name + ".bias"))]
      return bias.indices.map { o in
        x.indices.reduce(Double(bias[o])) { $0 + Double(weight[o * x.count + $1]) * x[$1] }
      }
    }
    func relu(_ x: [Double]) -> [Double] { x.map { max($0, 0) } }
    for row in 0..<rows {
      let input = x[(row * 6)..<(row * 6 + 6)].map(Double.init)
      let hidden = relu(try linear("encoder.1", relu(try linear("encoder.0", input))))
      expectClose(
        Array(z[(row * 2)..<(row * 2 + 2)]), try linear("encoder.mean", hidden), relative: 1e-5,
        absolute: 1e-6, "z")
    }
    let decoder = try model.makeDecoder(.mean, pool: pool)
    var y = [Float](repeating: 0, count: rows * 6)
    decoder.apply(z, count: rows, firstRow: 0, into: &y)
    let last = Array(z[((rows - 1) * 2)...]).map(Double.init)
    let logits = try linear(
      "decoder.output", relu(try linear("decoder.1", relu(try linear("decoder.0", last)))))
    expectClose(
      Array(y[((rows - 1) * 6)...]), logits.map { 1 / (1 + exp(-$0)) }, relative: 1e-5, "y")
  }

  @Test func drawsRepeatBySeedAndDoNotDependOnBlocks() throws {
    let model = try Self.model()
    let pool = try WorkerPool(threads: 2)
    let x = [Float](repeating: 0.5, count: 100 * 6)
    func draw(_ seed: UInt64) throws -> [Float] {
      var z = [Float](repeating: 0, count: 200)
      try model.makeEncoder(.sample(seed: seed), pool: pool)
        .apply(x, count: 100, firstRow: 0, into: &z)
      return z
    }
    #expect(try draw(1) == draw(1))
    #expect(try draw(1) != draw(2))
    var tail = [Float](repeating: 0, count: 20)
    try model.makeEncoder(.sample(seed: 1), pool: pool)
      .apply(x, count: 10, firstRow: 90, into: &tail)
    #expect(try Array(draw(1)[180...]) == tail)
  }

  @Test func plainAutoencodersHaveNoPosterior() throws {
    let model = try Self.model { $0.family = .plain }
    let pool = try WorkerPool(threads: 1)
    #expect(throws: ModelError.self) { try model.makeEncoder(.logVariance, pool: pool) }
    #expect(throws: ModelError.self) { try model.makeEncoder(.sample(seed: 0), pool: pool) }
  }
}
