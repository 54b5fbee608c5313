import CKernels

/// What random numbers are drawn for. Each purpose has a stream of its own, so that adding a draw
/// in one place never moves the draws of another.
public enum NoisePurpose: UInt8, Sendable {
  /// Samples a user asked for (`randn`).
  case sample = 0
  /// Initial weights.
  case initialise = 1
  /// The order of the training rows.
  case shuffle = 2
  /// The latent noise of training.
  case latent = 3
  /// The latent noise of validation and scoring.
  case evaluate = 4
  /// Draws from an encoder's posterior or a decoder's likelihood.
  case draw = 5
  /// Splitting rows into training and validation.
  case split = 6
  /// Dictionary learning.
  case dictionary = 7
  /// Dropout masks.
  case dropout = 8
  /// Dynamic binarisation.
  case binarise = 9
}

/// Random numbers without state: each value is a pure function of (seed, purpose, step, row,
/// column), so nothing can be lost when a run resumes and nothing that threads do can reorder it.
///
/// The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
/// SC 2011).
public struct Noise: Sendable {
  public let seed: UInt64
  public let purpose: NoisePurpose
  public let step: UInt32

  public init(seed: UInt64, purpose: NoisePurpose, step: UInt32 = 0) {
    self.seed = seed
    self.purpose = purpose
    self.step = step
  }

  /// Fills `rows` rows of `columns` standard normals, `stride` floats apart, for the rows from
  /// `firstRow` on (less than 2⁵⁶).
  public func normals(
    into out: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int,
    firstRow: UInt64 = 0
  ) {
    guard rows > 0, columns > 0 else { return }
    vt_normals(out, rows, columns, stride, seed, purpose.rawValue, step, firstRow)
  }

  /// Four words for the counter (`column` / 4, `row`) of this stream.
  public func words(row: UInt64, block: UInt32) -> SIMD4<UInt32> {
    let high = UInt32(truncatingIfNeeded: row >> 32) << 8 | UInt32(purpose.rawValue)
    return philox4x32(
      counter: SIMD4(block, UInt32(truncatingIfNeeded: row), step, high), key: seed)
  }
}

/// One block of Philox4x32 with ten rounds.
public func philox4x32(counter: SIMD4<UInt32>, key: UInt64) -> SIMD4<UInt32> {
  var c = counter
  var k0 = UInt32(truncatingIfNeeded: key)
  var k1 = UInt32(truncatingIfNeeded: key >> 32)
  for _ in 0..<10 {
    let p0 = c[0].multipliedFullWidth(by: 0xD251_1F53)
    let p1 = c[2].multipliedFullWidth(by: 0xCD9E_8D57)
    c = SIMD4(p1.high ^ c[1] ^ k0, p1.low, p0.high ^ c[3] ^ k1, p0.low)
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return c
}
