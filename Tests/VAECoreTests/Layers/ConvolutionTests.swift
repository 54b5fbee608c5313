import Foundation
import Testing
import VAECore

/// Plain autoencoders with convolutions against their naive form in Double: windows place by place, as
/// textbooks define them.
private struct NaiveMaps {
  let configuration: VAEConfiguration
  let kernel: Int
  let stride: Int
  let padding: Int
  var parameters: [String: [Double]]

  /// [channels][y][x]
  typealias Map = [[[Double]]]

  private func map(_ values: [Double], _ c: Int, _ h: Int, _ w: Int) -> Map {
    (0..<c).map { c in (0..<h).map { y in (0..<w).map { values[(c * h + y) * w + $0] } } }
  }

  private func convolve(_ name: String, _ x: Map, _ k: Int, _ s: Int, _ p: Int) -> Map {
    let (weight, bias) = (parameters[name + ".weight"]!, parameters[name + ".bias"]!)
    let (h, w) = (x[0].count, x[0][0].count)
    return bias.indices.map { o in
      (0...(h + 2 * p - k) / s).map { y in
        (0...(w + 2 * p - k) / s).map { column in
          var sum = bias[o]
          for i in x.indices {
            for ky in 0..<k {
              for kx in 0..<k {
                let (r, c) = (y * s + ky - p, column * s + kx - p)
                guard 0..<h ~= r, 0..<w ~= c else { continue }
                sum += weight[((o * x.count + i) * k + ky) * k + kx] * x[i][r][c]
              }
            }
          }
          return sum
        }
      }
    }
  }

  private func transposed(_ name: String, _ x: Map, _ h: Int, _ w: Int) -> Map {
    let (weight, bias) = (parameters[name + ".weight"]!, parameters[name + ".bias"]!)
    var y = bias.map { [[Double]](repeating: [Double](repeating: $0, count: w), count: h) }
    for i in x.indices {
      for r in x[i].indices {
        for c in x[i][r].indices {
          for o in bias.indices {
            for ky in 0..<kernel {
              for kx in 0..<kernel {
                let (to, at) = (r * stride + ky - padding, c * stride + kx - padding)
                guard 0..<h ~= to, 0..<w ~= at else { continue }
                y[o][to][at] +=
                  weight[((i * bias.count + o) * kernel + ky) * kernel + kx] * x[i][r][c]
              }
            }
          }
        }
      }
    }
    return y
  }

  private func activated(_ x: Map) -> Map { x.map { $0.map { $0.map(tanh) } } }

  private func residual(_ part: String, _ x: Map) -> Map {
    let inner = activated(convolve("\(part).residual.0.0", x, 3, 1, 1))
    let outer = convolve("\(part).residual.0.1", inner, 3, 1, 1)
    return activated(zip(x, outer).map { zip($0, $1).map { zip($0, $1).map(+) } })
  }

  private func dense(_ name: String, _ x: [Double]) -> [Double] {
    let (weight, bias) = (parameters[name + ".weight"]!, parameters[name + ".bias"]!)
    return bias.indices.map { o in
      x.indices.reduce(bias[o]) { $0 + weight[o * x.count + $1] * x[$1] }
    }
  }

  /// ½ Σ (x − y)² + ½ n ln 2π of a row.
  func loss(_ row: [Double]) -> Double {
    guard let own = configuration.convolution else { return .nan }
    let shape = configuration.inputShape
    var x = map(row, shape[0], shape[1], shape[2])
    var sizes = [(shape[1], shape[2])]
    for i in own.channels.indices {
      x = activated(convolve("encoder.conv.\(i)", x, kernel, stride, padding))
      sizes.append((x[0].count, x[0][0].count))
    }
    if own.residual > 0 { x = residual("encoder", x) }
    let z = dense("encoder.mean", x.flatMap { $0.flatMap(\.self) })
    let (h, w) = sizes[own.channels.count]
    x = activated(map(dense("decoder.expand", z), x.count, h, w))
    if own.residual > 0 { x = residual("decoder", x) }
    for i in own.channels.indices {
      let (h, w) = sizes[own.channels.count - 1 - i]
      let isLast = i + 1 == own.channels.count
      let name = isLast ? "decoder.output" : "decoder.conv.\(i)"
      if own.upsampling == .nearest {
        let (rows, columns) = (x[0].count, x[0][0].count)
        x = x.map { map in
          (0..<h).map { y in (0..<w).map { map[y * rows / h][$0 * columns / w] } }
        }
        x = convolve(name, x, 3, 1, 1)
      } else {
        x = transposed(name, x, h, w)
      }
      if !isLast { x = activated(x) }
    }
    let y = x.flatMap { $0.flatMap(\.self) }
    return zip(row, y).reduce(0.5 * Double(row.count) * log(2 * Double.pi)) {
      $0 + 0.5 * ($1.0 - $1.1) * ($1.0 - $1.1)
    }
  }
}

struct ConvolutionTests {
  private static let rows = 21

  private func configuration(_ upsampling: ConvolutionConfiguration.Upsampling, _ kernel: Int)
    -> VAEConfiguration
  {
    var configuration = VAEConfiguration(
      inputShape: [2, 7, 6], hidden: [], latent: 2, likelihood: gaussian(.fixed(1)))
    configuration.family = .plain
    configuration.style.activation = .tanh
    var convolution = ConvolutionConfiguration(channels: [3, 2])
    convolution.kernel = kernel
    convolution.upsampling = upsampling
    convolution.residual = upsampling == .nearest ? 1 : 0
    configuration.convolution = convolution
    return configuration
  }

  private func step(_ configuration: VAEConfiguration, threads: Int, _ precision: Precision = .f32)
    throws -> (model: VAE, values: [Float], Collector, loss: Double)
  {
    let model = try VAE(configuration, seed: 4)
    let width = model.inputSize
    var values = [Float](repeating: 0, count: Self.rows * width)
    Noise(seed: 3, purpose: .sample)
      .normals(into: &values, rows: Self.rows, columns: width, stride: width)
    let pool = try WorkerPool(threads: threads)
    var options = GraphOptions()
    options.precision = precision
    let graph = try TrainingGraph(
      model, rows: Columns(rowStore(values, shape: model.inputShape)), options: options, pool: pool)
    let collector = Collector(model.parameters)
    let loss = Array(0..<UInt32(Self.rows)).withUnsafeBufferPointer { indices in
      graph.batch = Batch(indices: indices, step: 1)
      for phase in graph.learn + graph.gradients(into: collector) { pool.run(phase) }
      return (0..<Self.rows).reduce(0) { $0 + graph.losses.objective[$1] } / Double(Self.rows)
    }
    return (model, values, collector, loss)
  }

  /// The gradients are the slopes of the naive loss.
  @Test(arguments: ConvolutionConfiguration.Upsampling.allCases, [3, 4])
  func gradientsAreSlopes(_ upsampling: ConvolutionConfiguration.Upsampling, _ kernel: Int) throws {
    let configuration = configuration(upsampling, kernel)
    let (model, values, collector, loss) = try step(configuration, threads: 2)
    let names = model.parameters.specs.map(\.name)
    var naive = NaiveMaps(
      configuration: configuration, kernel: kernel, stride: 2, padding: 1, parameters: [:])
    for name in names {
      naive.parameters[name] = try #require(model.parameters.values(of: name)).map(Double.init)
    }
    let rows = stride(from: 0, to: values.count, by: model.inputSize).map {
      values[$0..<$0 + model.inputSize].map(Double.init)
    }
    func reference() -> Double {
      rows.reduce(0) { $0 + naive.loss($1) } / Double(Self.rows)
    }
    expectClose([loss], [reference()], relative: 1e-6, "loss")
    let h = 1e-5
    for (index, name) in names.enumerated() {
      let gradient = collector.gradient(index)
      // Some of many: every seventh, which meets all places of a window.
      let some = Array(stride(from: 0, to: gradient.count, by: gradient.count > 30 ? 7 : 1))
      let slopes = try some.map { i in
        let value = try #require(naive.parameters[name]?[i])
        defer { naive.parameters[name]?[i] = value }
        naive.parameters[name]?[i] = value + h
        let above = reference()
        naive.parameters[name]?[i] = value - h
        return (above - reference()) / (2 * h)
      }
      let scale = slopes.reduce(0) { max($0, abs($1)) }
      expectClose(
        some.map { gradient[$0] }, slopes, relative: 2e-5, absolute: max(2e-5 * scale, 2e-6), name)
    }
  }

  @Test(arguments: ConvolutionConfiguration.Upsampling.allCases, Precision.allCases)
  func threadsChangeNothing(
    _ upsampling: ConvolutionConfiguration.Upsampling, _ precision: Precision
  ) throws {
    guard precision == .f32 || MatmulTests.hasBF16 else { return }
    let runs = try [1, 2, 3].map { try step(configuration(upsampling, 4), threads: $0, precision) }
    for run in runs {
      #expect(run.loss == runs[0].loss)
      for index in run.model.parameters.specs.indices {
        #expect(run.2.gradient(index) == runs[0].2.gradient(index))
      }
    }
  }

  /// In bf16 the gradients are those of f32 up to the rounding of operands, 2⁻⁹ each.
  @Test(.enabled(if: MatmulTests.hasBF16), arguments: ConvolutionConfiguration.Upsampling.allCases)
  func bf16IsNear(_ upsampling: ConvolutionConfiguration.Upsampling) throws {
    let exact = try step(configuration(upsampling, 4), threads: 2)
    let near = try step(configuration(upsampling, 4), threads: 2, .bf16)
    expectClose([near.loss], [exact.loss], relative: 1e-3, "loss")
    for (index, spec) in exact.model.parameters.specs.enumerated() {
      let gradient = exact.2.gradient(index)
      let scale = gradient.reduce(0) { max($0, Double(abs($1))) }
      expectClose(
        near.2.gradient(index), gradient.map(Double.init), relative: 0, absolute: 0.03 * scale,
        spec.name)
    }
  }

  @Test func mapsAreThoseOfTheRows() throws {
    var convolution = ConvolutionConfiguration(channels: [4, 4, 4])
    func sides(_ shape: [Int]) throws -> [String] {
      var configuration = VAEConfiguration(inputShape: shape, hidden: [], latent: 2)
      configuration.convolution = convolution
      let json = try VAE(configuration, seed: 1).configurationJSON()
      let text = try #require(json.split(separator: "\"sizes\":").last)
      return [String(text.prefix(upTo: try #require(text.range(of: "]]")).upperBound))]
    }
    #expect(try sides([28, 28]) == ["[[28,28],[14,14],[7,7],[3,3]]"])
    #expect(try sides([3, 27, 40]) == ["[[27,40],[13,20],[6,10],[3,5]]"])
    #expect(throws: ModelError.self) { try sides([3, 2, 40]) }
    #expect(throws: ModelError.self) { try sides([30]) }
    convolution.layout = .channelsLast
    #expect(try sides([27, 40, 3]) == ["[[27,40],[13,20],[6,10],[3,5]]"])
    convolution.layout = .series
    #expect(try sides([30, 5]) == ["[[30],[15],[7],[3]]"])
    #expect(throws: ModelError.self) { try sides([3, 8, 8]) }
  }

  /// What follows from the rest of a configuration is refused where it does not.
  @Test(arguments: [
    (#""padding":1"#, #""padding":2"#), (#"[14,14]"#, #"[14,15]"#),
    (#""output_padding":[[0,0],[0,0]]"#, #""output_padding":[[0,0],[1,0]]"#),
    (#""kernel":4"#, #""kernel":0"#), (#""stride":2"#, #""stride":9"#),
    (#""channels":[4,4]"#, #""channels":[]"#), (#""residual":0"#, #""residual":-1"#),
    (#""upsample":"transposed""#, #""upsample":"bilinear""#),
  ])
  func brokenConfigurationsAreRefused(_ change: (String, String)) throws {
    var configuration = VAEConfiguration(inputShape: [28, 28], hidden: [], latent: 2)
    configuration.convolution = ConvolutionConfiguration(channels: [4, 4])
    let json = try VAE(configuration, seed: 1).configurationJSON()
    #expect(json.contains(change.0))
    #expect(throws: ModelError.self) {
      try VAE(configurationJSON: json.replacingOccurrences(of: change.0, with: change.1))
    }
  }
}
