import CKernels

/// The Gaussian latent layer: z = μ + e^(v/2)·ε with the divergence from the standard normal.
/// Heads are rows of [μ | v], 2 · `size` wide; v, the log-variance, is clamped to [−30, 20].
package struct GaussianLatent: Sendable {
  package let size: Int

  package init(size: Int) { self.size = size }

  /// z [rows, size] and the divergence of each row in nats. Without noise z = μ.
  package func forward(
    heads: UnsafePointer<Float>, noise: UnsafePointer<Float>?, into z: Matrix, row: Int,
    divergence: UnsafeMutablePointer<Double>, rows: Int
  ) {
    vt_reparameterise(z[row], z.isBF16, divergence, heads, noise, rows, size)
  }

  /// The gradient of the heads from `dz`, the gradient of z; `weight` is that of the divergence.
  package func backward(
    dz: UnsafePointer<Float>, heads: UnsafePointer<Float>, noise: UnsafePointer<Float>?,
    into delta: Matrix, row: Int, rows: Int, weight: Float
  ) {
    vt_reparameterise_backward(delta[row], delta.isBF16, dz, heads, noise, rows, size, weight)
  }
}
