import CKernels
import Foundation
import VAECore

/// The objective of a VAE on a batch, in Double, written as the formulas read: the reference for
/// the engine's gradients. The noise is the engine's.
struct NaiveVAE {
  typealias Rows = [[Double]]

  let configuration: VAEConfiguration
  let objective: Objective
  let names: [String]
  let seed: UInt64
  let step: UInt32

  /// The mean over the rows of what is minimised, for parameters by position.
  func loss(_ parameters: [[Double]], _ x: Rows) -> Double {
    let hidden = configuration.hidden.count
    let encoded = stack("encoder", x, parameters, first: 0)
    let mean = linear("encoder.mean", encoded, parameters)
    let (size, k) = (configuration.latent, particles)
    guard configuration.family == .variational else {
      let decoded = stack("decoder", mean, parameters, first: hidden)
      return average(x.indices.map { surprise(decoded, $0, x[$0], parameters) })
    }
    let logvar = linear("encoder.logvar", encoded, parameters).map { $0.map(clamp) }
    let eps = noise(rows: x.count * k, columns: size)
    let z: Rows = eps.indices.map { p in
      let (m, v) = (mean[p / k], logvar[p / k])
      return eps[p].indices.map { m[$0] + exp(v[$0] / 2) * eps[p][$0] }
    }
    let decoded = stack("decoder", z, parameters, first: hidden)
    let recon = z.indices.map { surprise(decoded, $0, x[$0 / k], parameters) }
    let ratio: [Double] = z.indices.map { p in
      var sum = 0.0
      for i in 0..<size {
        let (e, v, value) = (eps[p][i], logvar[p / k][i], z[p][i])
        sum += 0.5 * (e * e + v - value * value)
      }
      return sum
    }
    let beta = Double(configuration.beta)
    if objective.importanceWeighted {
      return average(
        x.indices.map { row in
          let weights = (row * k..<(row + 1) * k).map { exp(beta * ratio[$0] - recon[$0]) }
          return -log(average(weights))
        })
    }
    if objective.divergence == .sampled {
      return average(z.indices.map { recon[$0] - beta * ratio[$0] })
    }
    let divergences: [Double] = (0..<size).map { i in
      let rows: [Double] = x.indices.map { row in
        let (m, v) = (mean[row][i], logvar[row][i])
        return 0.5 * (exp(v) - 1 - v + m * m)
      }
      return average(rows)
    }
    return average(recon)
      + beta * divergences.reduce(0) { $0 + max($1, Double(objective.freeBits)) }
  }

  private var particles: Int { objective.particles }

  private func stack(_ part: String, _ x: Rows, _ p: [[Double]], first: Int) -> Rows {
    var h = x
    for layer in configuration.hidden.indices {
      h = linear("\(part).\(layer)", h, p)
      if configuration.style.batchNorm { h = normalise("\(part).\(layer).norm", h, p) }
      h = h.map { $0.map(activate) }
      h = drop(h, layer: first + layer)
    }
    return h
  }

  private func linear(_ name: String, _ x: Rows, _ p: [[Double]]) -> Rows {
    let (weight, bias) = (self[name + ".weight", p], self[name + ".bias", p])
    return x.map { x in
      bias.indices.map { o in
        x.indices.reduce(bias[o]) { $0 + weight[o * x.count + $1] * x[$1] }
      }
    }
  }

  private func normalise(_ name: String, _ x: Rows, _ p: [[Double]]) -> Rows {
    let (weight, bias) = (self[name + ".weight", p], self[name + ".bias", p])
    var y = x
    for c in weight.indices {
      let mean = average(x.map { $0[c] })
      let variance = average(x.map { ($0[c] - mean) * ($0[c] - mean) })
      for r in x.indices {
        y[r][c] = (x[r][c] - mean) / (variance + 1e-5).squareRoot() * weight[c] + bias[c]
      }
    }
    return y
  }

  private func activate(_ x: Double) -> Double {
    switch configuration.style.activation {
    case .relu: max(x, 0)
    case .tanh: tanh(x)
    case .silu: x / (1 + exp(-x))
    case .leakyReLU: x > 0 ? x : 0.01 * x
    }
  }

  private func drop(_ x: Rows, layer: Int) -> Rows {
    let probability = configuration.style.dropout
    guard probability > 0, let width = x.first?.count else { return x }
    var u = [Float](repeating: 0, count: x.count * width)
    vt_uniforms(
      &u, x.count, width, seed, NoisePurpose.dropout.rawValue, step, UInt32(layer), 0)
    return x.enumerated().map { r, row in
      row.enumerated().map { c, x in
        u[r * width + c] < probability ? 0 : x / Double(1 - probability)
      }
    }
  }

  /// −log p(x|z) from row `row` of the last hidden layer.
  private func surprise(_ h: Rows, _ row: Int, _ x: [Double], _ p: [[Double]]) -> Double {
    let output = linear("decoder.output", [h[row]], p)[0]
    let half = 0.5 * log(2 * Double.pi)
    if configuration.likelihood is StudentT {
      let raw = ["scale", "df"].map { linear("decoder.output_\($0)", [h[row]], p)[0] }
      return x.indices.reduce(0) {
        let sigma = softplus(raw[0][$1]) + Double(Float(1e-3))
        let nu = softplus(raw[1][$1]) + 3
        let t = (x[$1] - output[$1]) / sigma
        return $0 + log(sigma) + 0.5 * log(nu * Double.pi) + lgamma(nu / 2)
          - lgamma(nu / 2 + 0.5) + 0.5 * (nu + 1) * log1p(t * t / nu)
      }
    }
    if configuration.likelihood is Logistic {
      let raw = linear("decoder.output_logscale", [h[row]], p)[0]
      return x.indices.reduce(0) { $0 + naiveLogistic(mean: output[$1], raw: raw[$1], x: x[$1]) }
    }
    guard let sigma = configuration.likelihood.sigma else {
      return x.indices.reduce(0) {
        $0 + max(output[$1], 0) - output[$1] * x[$1] + log1p(exp(-abs(output[$1])))
      }
    }
    let logvar: [Double]
    switch sigma {
    case .fixed(let sigma):
      logvar = x.map { _ in 2 * log(Double(sigma)) }
    case .learned:
      logvar = x.map { _ in 2 * self["decoder.log_sigma", p][0] }
    case .pixel:
      logvar = linear("decoder.output_logvar", [h[row]], p)[0].map(clamp)
    }
    return x.indices.reduce(0) {
      let d = output[$1] - x[$1]
      return $0 + 0.5 * d * d * exp(-logvar[$1]) + 0.5 * logvar[$1] + half
    }
  }

  private func noise(rows: Int, columns: Int) -> Rows {
    var values = [Float](repeating: 0, count: rows * columns)
    Noise(seed: seed, purpose: .latent, step: step)
      .normals(into: &values, rows: rows, columns: columns, stride: columns)
    return (0..<rows).map { r in values[r * columns..<(r + 1) * columns].map(Double.init) }
  }

  private subscript(name: String, p: [[Double]]) -> [Double] {
    names.firstIndex(of: name).map { p[$0] } ?? []
  }

  private func softplus(_ x: Double) -> Double { max(x, 0) + log1p(exp(-abs(x))) }
  private func clamp(_ v: Double) -> Double { min(max(v, -30), 20) }
  private func average(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
}
