import CKernels

extension Likelihood {
  /// The uniforms in [0, 1) of a draw of row `row`. They are valid during the call.
  func withUniforms(
    _ count: Int, seed: UInt64, row: UInt64, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { uniforms in
      guard let base = uniforms.baseAddress else { return }
      vt_uniforms(base, 1, count, seed, NoisePurpose.draw.rawValue, 1, 0, row)
      body(base)
    }
  }

  /// The standard normals of a draw of row `row`. They are valid during the call.
  func withNormals(
    _ count: Int, seed: UInt64, row: UInt64, _ body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { normals in
      guard let base = normals.baseAddress else { return }
      Noise(seed: seed, purpose: .draw, step: 1)
        .normals(into: base, rows: 1, columns: count, stride: count, firstRow: row)
      body(base)
    }
  }
}
