import CKernels

/// The sufficient statistics of dictionary learning, A = Σ aᵀa (k × k) and B = Σ aᵀx (k × d), and
/// the atoms they imply. Works on the atoms of a layout in place.
final class AtomStatistics {
  private let layout: AtomLayout
  private let a, b: AlignedBuffer<Float>
  private let newA, newB: AlignedBuffer<Float>
  private let stripes: [Stripe]
  private let batch: Int
  private let scratch: AlignedBuffer<Float>

  /// A run of atoms whose statistics one task computes, over the whole batch.
  private struct Stripe {
    let first: Int
    let a, b: Matmul
  }

  init(_ layout: AtomLayout, batch: Int, workers: Int) throws {
    self.layout = layout
    self.batch = batch
    let (k, d) = (layout.count, layout.width)
    a = try AlignedBuffer(count: k * k)
    b = try AlignedBuffer(count: k * d)
    newA = try AlignedBuffer(count: k * k)
    newB = try AlignedBuffer(count: k * d)
    scratch = try AlignedBuffer(count: d)
    func matmul(_ m: Int, _ n: Int) throws -> Matmul {
      try Matmul(
        m: m, n: n, k: batch, a: .transposed(row: k), b: .init(row: n), c: n, input: .f32,
        workers: workers)
    }
    let size = 64
    let full = k >= size ? Stripe(first: 0, a: try matmul(size, k), b: try matmul(size, d)) : nil
    stripes = try stride(from: 0, to: k, by: size).map { first in
      if let full, first + size <= k { return Stripe(first: first, a: full.a, b: full.b) }
      return Stripe(first: first, a: try matmul(k - first, k), b: try matmul(k - first, d))
    }
  }

  /// A ← keeping·A + aᵀa, B ← keeping·B + aᵀx, over `rows` rows; those up to the batch's size are
  /// cleared.
  func add(
    x: UnsafeMutablePointer<Float>, codes: UnsafeMutablePointer<Float>, rows: Int,
    keeping: Double, pool: WorkerPool
  ) {
    let (k, d) = (layout.count, layout.width)
    (x + rows * d).update(repeating: 0, count: (batch - rows) * d)
    (codes + rows * k).update(repeating: 0, count: (batch - rows) * k)
    pool.run(tasks: stripes.count) { task, worker in
      let stripe = stripes[task]
      let (first, count) = (stripe.first, min(64, k - stripe.first))
      stripe.a.run(a: codes + first, b: codes, c: newA.base + first * k, worker: worker)
      stripe.b.run(a: codes + first, b: x, c: newB.base + first * d, worker: worker)
      let keep = Float(keeping)
      vt_fade(a.base + first * k, newA.base + first * k, keep, count * k)
      vt_fade(b.base + first * d, newB.base + first * d, keep, count * d)
    }
  }

  /// Moves each atom in turn to its best place on the unit sphere with the others fixed. One that
  /// no row uses becomes a badly reconstructed row, `unused(0)`, `unused(1)`, …. Returns how many
  /// did.
  func updateAtoms(nonnegative: Bool, unused: (Int) -> UnsafePointer<Float>?) -> Int {
    let (k, d, stride) = (layout.count, layout.width, layout.paddedWidth)
    var trace = 0.0
    for j in 0..<k { trace += Double(a.base[j * k + j]) }
    let dead = Float(1e-7 * trace / Double(k))
    var replaced = 0
    for j in 0..<k {
      let atom = layout.rows.base + j * stride
      if a.base[j * k + j] > dead {
        vt_update_atom(
          atom, layout.rows.base, stride, a.base + j * k, b.base + j * d, j, k, d,
          nonnegative ? 1 : 0, scratch.base)
      } else if let row = unused(replaced) {
        guard vt_unit_atom(atom, row, d, nonnegative ? 1 : 0) != 0 else { continue }
        replaced += 1
        for i in 0..<k { a.base[i * k + j] = 0 }
        (a.base + j * k).update(repeating: 0, count: k)
        (b.base + j * d).update(repeating: 0, count: d)
      }
    }
    return replaced
  }

  /// The atoms, the most used (by Σa²) first, each with its largest entry positive unless codes
  /// have one sign only. Row-major, k × d.
  func canonicalAtoms(nonnegative: Bool) -> [Float] {
    let (k, d, stride) = (layout.count, layout.width, layout.paddedWidth)
    let order = (0..<k).sorted {
      (-a.base[$0 * k + $0], $0) < (-a.base[$1 * k + $1], $1)
    }
    var atoms: [Float] = []
    atoms.reserveCapacity(k * d)
    for j in order {
      let atom = UnsafeBufferPointer(start: layout.rows.base + j * stride, count: d)
      var peak: Float = 0
      for value in atom where abs(value) > abs(peak) { peak = value }
      atoms += peak < 0 && !nonnegative ? atom.map { $0 == 0 ? 0 : -$0 } : Array(atom)
    }
    return atoms
  }
}
