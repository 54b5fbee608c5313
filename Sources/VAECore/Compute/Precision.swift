import CKernels

/// The type that matrix multiplications read: weights and activations. Sums run in f32 and the
/// master weights are f32 in either.
public enum Precision: String, Sendable, CaseIterable, Codable {
  case f32
  case bf16

  /// Bytes an element.
  package var size: Int { self == .f32 ? 4 : 2 }

  /// Whether there is a way to multiply so on this processor.
  public var isAvailable: Bool {
    if self == .f32 || vt_has_bf16() != 0 { return true }
    let tile = Matmul.Strides(row: 16)
    return (try? Matmul(m: 16, n: 16, k: 16, a: tile, b: tile, c: 16, input: self, workers: 1))
      != nil
  }

  /// `bf16` where the processor multiplies bfloat16 natively (AVX512-BF16 or AMX), else `f32`.
  public static var fastest: Precision { vt_has_bf16() != 0 ? .bf16 : .f32 }
}
