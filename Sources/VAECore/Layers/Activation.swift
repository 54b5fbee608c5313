import CKernels

/// An elementwise function behind the sums of a layer.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case relu
  case tanh
  /// x·σ(x) (Elfwing et al., 2018).
  case silu
  /// x, or 0.01·x below 0.
  case leakyReLU = "leaky-relu"

  var kernel: vt_activation_kind {
    switch self {
    case .relu: vt_relu
    case .tanh: vt_tanh
    case .silu: vt_silu
    case .leakyReLU: vt_leaky_relu
    }
  }

  /// y = act(x).
  package func forward(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>, count: Int
  ) {
    vt_activation(kernel, y, x, count)
  }

  /// dx *= act′(x), in place.
  package func backward(
    _ dx: UnsafeMutablePointer<Float>, x: UnsafePointer<Float>, count: Int
  ) {
    vt_activation_backward(kernel, dx, x, count)
  }
}

extension Activation: Layer {
  public func place(_ site: Site) throws -> any PlacedLayer { PlacedActivation(self, site) }
}

private final class PlacedActivation: PlacedLayer {
  private let activation: Activation
  private let x: EdgeMemory
  private let y: EdgeMemory

  init(_ activation: Activation, _ site: Site) {
    self.activation = activation
    x = site.inputs[0]
    y = site.output
  }

  func apply(_ block: RowBlock, worker: Int) {
    let rows = y.rows(block)
    let to = y.draft(block, worker: worker)
    activation.forward(x.floats(block), into: to, count: rows.size * y.width)
    y.store(to, block)
  }

  func addBackward(to plan: inout RowPlan) {
    guard let dx = x.contribution() else { return }
    plan.add { [self] block, worker in
      let gradient = y.gradient(block, worker: worker)
      activation.backward(gradient, x: x.floats(block), count: y.rows(block).size * y.width)
      dx.deliver(gradient, block, worker: worker)
    }
  }
}
