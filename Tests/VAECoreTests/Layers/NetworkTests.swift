import Foundation
import Testing
import VAECore

/// y = a · b by element: written here as another package would write a layer.
private struct Multiply: Layer {
  func place(_ site: Site) throws -> any PlacedLayer { PlacedMultiply(site) }
}

private final class PlacedMultiply: PlacedLayer {
  private let site: Site

  init(_ site: Site) { self.site = site }

  func apply(_ block: RowBlock, worker: Int) {
    let (a, b) = (site.inputs[0].floats(block), site.inputs[1].floats(block))
    let rows = site.output.rows(block)
    let product = (0..<rows.size * site.output.width).map { a[$0] * b[$0] }
    site.output.store(product, block)
  }

  func addBackward(to plan: inout RowPlan) {
    let shares = site.inputs.map { $0.contribution() }
    plan.add { [self] block, worker in
      let count = site.output.rows(block).size * site.output.width
      // Kept, since a share may lie where the gradient of the output does.
      let dy = (0..<count).map { site.output.gradient(block, worker: worker)[$0] }
      for (share, other) in zip(shares, [1, 0]) {
        guard let share else { continue }
        let factor = site.inputs[other].floats(block)
        let to = share.destination(block, worker: worker)
        for i in 0..<count { to[i] = dy[i] * factor[i] }
        share.deliver(to, block, worker: worker)
      }
    }
  }
}

/// y = a + b.
private struct Add: Layer {
  func place(_ site: Site) throws -> any PlacedLayer { PlacedAdd(site) }
}

private final class PlacedAdd: PlacedLayer {
  private let site: Site

  init(_ site: Site) { self.site = site }

  func apply(_ block: RowBlock, worker: Int) {
    let (a, b) = (site.inputs[0].floats(block), site.inputs[1].floats(block))
    let rows = site.output.rows(block)
    site.output.store((0..<rows.size * site.output.width).map { a[$0] + b[$0] }, block)
  }

  func addBackward(to plan: inout RowPlan) {
    let shares = site.inputs.map { $0.contribution() }
    plan.add { [self] block, worker in
      let count = site.output.rows(block).size * site.output.width
      var dy = (0..<count).map { site.output.gradient(block, worker: worker)[$0] }
      for share in shares { share?.deliver(&dy, block, worker: worker) }
    }
  }
}

/// A plain autoencoder with a gated layer and a residual pair in its encoder: h₁ = relu(W₁x),
/// h₂ = (Ax) ∘ tanh(Bx) of h₁, h₃ = h₂ + tanh(Ch₂).
private struct GatedConfiguration: Architecture {
  static let kind = "gated"
  var inputShape = [6]
  var latentSize = 3
  var beta: Float = 1

  func check() {}

  func build(into network: inout Network) throws -> Roles {
    let x = network.column("x", shape: inputShape)
    let first = try network.apply(
      Activation.relu, to: network.apply(Dense("first", outputs: 5), to: x))
    let a = try network.apply(Dense("a", outputs: 4), to: first)
    let b = try network.apply(
      Activation.tanh, to: network.apply(Dense("b", outputs: 4), to: first))
    let gated = try network.apply(Multiply(), to: a, b)
    let c = try network.apply(Activation.tanh, to: network.apply(Dense("c", outputs: 4), to: gated))
    let residual = try network.apply(Add(), to: gated, c)
    let heads = try network.apply(Dense("heads", outputs: latentSize), to: residual)
    let latent = PlainLatent(size: latentSize)
    let z = try network.apply(latent, to: heads)
    let output = try network.apply(Dense("output", outputs: 6), to: z)
    let likelihood = gaussian(.fixed(1))
    network.add(Reconstruction(likelihood), of: output, x)
    return Roles(x: x, heads: heads, z: z, output: output, latent: latent, likelihood: likelihood)
  }
}

struct NetworkTests {
  private static let rows = 37

  private func step(_ threads: Int) throws -> (model: Model<GatedConfiguration>, Collector, Double)
  {
    let model = try Model(GatedConfiguration(), seed: 4)
    var values = [Float](repeating: 0, count: Self.rows * 6)
    Noise(seed: 3, purpose: .sample).normals(into: &values, rows: Self.rows, columns: 6, stride: 6)
    let pool = try WorkerPool(threads: threads)
    let graph = try TrainingGraph(
      model, rows: Columns(rowStore(values, shape: [6])), options: GraphOptions(), pool: pool)
    let collector = Collector(model.parameters)
    let indices = Array(0..<UInt32(Self.rows))
    let loss = indices.withUnsafeBufferPointer { indices in
      graph.batch = Batch(indices: indices, step: 1)
      for phase in graph.learn + graph.gradients(into: collector) { pool.run(phase) }
      return (0..<Self.rows).reduce(0) { $0 + graph.losses.objective[$1] } / Double(Self.rows)
    }
    return (model, collector, loss)
  }

  /// Layers with two inputs, edges with two consumers: the gradients are the slopes of the loss in
  /// Double.
  @Test func branchesHaveTheirGradients() throws {
    let (model, collector, loss) = try step(2)
    var values = [Float](repeating: 0, count: Self.rows * 6)
    Noise(seed: 3, purpose: .sample).normals(into: &values, rows: Self.rows, columns: 6, stride: 6)
    let names = model.parameters.specs.map(\.name)
    var parameters = names.indices.map { model.parameters[$0].map(Double.init) }
    func reference() -> Double {
      func dense(_ name: String, _ x: [Double]) -> [Double] {
        guard let w = names.firstIndex(of: name + ".weight"),
          let b = names.firstIndex(of: name + ".bias")
        else { return [] }
        return parameters[b].indices.map { o in
          x.indices.reduce(parameters[b][o]) { $0 + parameters[w][o * x.count + $1] * x[$1] }
        }
      }
      return (0..<Self.rows).reduce(0) { sum, row in
        let x = (0..<6).map { Double(values[row * 6 + $0]) }
        let first = dense("first", x).map { max($0, 0) }
        let gated = zip(dense("a", first), dense("b", first)).map { $0 * tanh($1) }
        let residual = zip(gated, dense("c", gated)).map { $0 + tanh($1) }
        let output = dense("output", dense("heads", residual))
        let squares = zip(output, x).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
        return sum + 0.5 * squares + 3 * log(2 * Double.pi)
      } / Double(Self.rows)
    }
    expectClose([loss], [reference()], relative: 1e-6, "loss")
    let h = 1e-5
    for (index, name) in names.enumerated() {
      let slopes = parameters[index].indices.map { i in
        let value = parameters[index][i]
        defer { parameters[index][i] = value }
        parameters[index][i] = value + h
        let above = reference()
        parameters[index][i] = value - h
        return (above - reference()) / (2 * h)
      }
      let scale = slopes.reduce(0) { max($0, abs($1)) }
      expectClose(
        collector.gradient(index), slopes, relative: 2e-5, absolute: max(2e-5 * scale, 2e-6), name)
    }
  }

  @Test func threadsChangeNothing() throws {
    let runs = try [1, 2, 3].map { try step($0) }
    for (_, collector, loss) in runs {
      #expect(loss == runs[0].2)
      for index in runs[0].model.parameters.specs.indices {
        #expect(collector.gradient(index) == runs[0].1.gradient(index))
      }
    }
  }
}
