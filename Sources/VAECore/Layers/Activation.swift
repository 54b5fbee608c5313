import CKernels

/// What follows the sum in a hidden layer.
public enum Activation: String, Sendable, Codable, CaseIterable {
  case relu
  case tanh
  /// x·σ(x) (Elfwing et al., 2018).
  case silu
  /// x, or 0.01·x below 0.
  case leakyReLU = "leaky-relu"

  private var kernel: vt_activation_kind {
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
