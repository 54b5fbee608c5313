import VAECore

/// Sparse coding as it is defined, in double precision, for tests to compare with.
enum NaiveSparse {
  static func dot(_ a: ArraySlice<Double>, _ b: ArraySlice<Double>) -> Double {
    zip(a, b).reduce(0) { $0 + $1.0 * $1.1 }
  }

  /// x − aD.
  static func residual(_ x: [Double], _ a: [Double], _ atoms: [Double]) -> [Double] {
    var r = x
    for (j, code) in a.enumerated() where code != 0 {
      for p in x.indices { r[p] -= code * atoms[j * x.count + p] }
    }
    return r
  }

  /// Dr.
  static func correlations(_ r: [Double], _ atoms: [Double]) -> [Double] {
    stride(from: 0, to: atoms.count, by: r.count).map { dot(atoms[$0..<$0 + r.count], r[...]) }
  }

  static func objective(_ x: [Double], _ a: [Double], _ atoms: [Double], lambda: Double) -> Double {
    let r = residual(x, a, atoms)
    return 0.5 * dot(r[...], r[...]) + lambda * a.reduce(0) { $0 + abs($1) }
  }

  /// The duality gap over ½‖x‖²; 0 of a row of zeros.
  static func gap(
    _ x: [Double], _ a: [Double], _ atoms: [Double], lambda: Double, nonnegative: Bool = false
  ) -> Double {
    let r = residual(x, a, atoms)
    let c = correlations(r, atoms).map { nonnegative ? max($0, 0) : abs($0) }.max() ?? 0
    let (xx, rr, rx) = (dot(x[...], x[...]), dot(r[...], r[...]), dot(r[...], x[...]))
    guard xx > 0 else { return 0 }
    let most = c > 0 ? lambda / c : .infinity
    let s = rr > 0 ? min(max(rx / rr, nonnegative ? 0 : -most), most) : 0
    let far = zip(x, r).reduce(0) { $0 + ($1.0 - s * $1.1) * ($1.0 - s * $1.1) }
    return (objective(x, a, atoms, lambda: lambda) - 0.5 * xx + 0.5 * far) / (0.5 * xx)
  }

  /// The minimum, by cyclic coordinate descent until the gap is 10⁻¹² (or nothing moves).
  static func solve(
    _ x: [Double], _ atoms: [Double], lambda: Double, nonnegative: Bool = false
  ) -> [Double] {
    let d = x.count
    let norms = stride(from: 0, to: atoms.count, by: d).map {
      dot(atoms[$0..<$0 + d], atoms[$0..<$0 + d])
    }
    var a = norms.map { _ in 0.0 }
    for pass in 0..<200_000 {
      var r = residual(x, a, atoms)
      var moved = 0.0
      for j in a.indices where norms[j] > 0 {
        let target = dot(atoms[j * d..<(j + 1) * d], r[...]) + norms[j] * a[j]
        let up = max(target - lambda, 0)
        let down = nonnegative ? 0 : min(target + lambda, 0)
        let step = (up + down) / norms[j] - a[j]
        guard step != 0 else { continue }
        a[j] += step
        moved = max(moved, abs(step))
        for p in 0..<d { r[p] -= step * atoms[j * d + p] }
      }
      if moved == 0 { break }
      if pass % 10 == 9,
        gap(x, a, atoms, lambda: lambda, nonnegative: nonnegative) < 1e-12
      {
        break
      }
    }
    return a
  }

  /// Orthogonal matching pursuit with the normal equations solved from scratch each time.
  static func pursue(_ x: [Double], _ atoms: [Double], sparsity: Int) -> [Double] {
    let d = x.count
    var support: [Int] = []
    var a = [Double](repeating: 0, count: atoms.count / d)
    while support.count < sparsity {
      let c = correlations(residual(x, a, atoms), atoms).map(abs)
      guard let best = a.indices.filter({ !support.contains($0) }).max(by: { c[$0] < c[$1] }),
        c[best] > 1e-10
      else { break }
      support.append(best)
      // Gauss–Jordan on the augmented normal equations.
      let n = support.count
      var m = support.map { i in
        support.map { j in dot(atoms[i * d..<(i + 1) * d], atoms[j * d..<(j + 1) * d]) }
          + [dot(atoms[i * d..<(i + 1) * d], x[...])]
      }
      for i in 0..<n {
        let pivot = m[i][i]
        for col in 0...n { m[i][col] /= pivot }
        for row in 0..<n where row != i {
          let f = m[row][i]
          for col in 0...n { m[row][col] -= f * m[i][col] }
        }
      }
      for (slot, atom) in support.enumerated() { a[atom] = m[slot][n] }
    }
    return a
  }
}

/// A problem made at random, the same each time.
struct SparseProblem {
  let count: Int
  let atoms: Int
  let width: Int
  var dictionary: [Float]
  var rows: [Float]

  init(rows count: Int, atoms: Int, width: Int, seed: UInt64 = 1) {
    self.count = count
    self.atoms = atoms
    self.width = width
    dictionary = Array(repeating: 0, count: atoms * width)
    rows = Array(repeating: 0, count: count * width)
    Noise(seed: seed, purpose: .sample).normals(
      into: &dictionary, rows: atoms, columns: width, stride: width)
    Noise(seed: seed, purpose: .draw).normals(
      into: &rows, rows: count, columns: width, stride: width)
    for j in 0..<atoms {
      let atom = dictionary[j * width..<(j + 1) * width]
      let norm = atom.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
      for p in j * width..<(j + 1) * width { dictionary[p] /= norm }
    }
  }

  func row(_ index: Int) -> [Double] {
    rows[index * width..<(index + 1) * width].map(Double.init)
  }

  var exactDictionary: [Double] { dictionary.map(Double.init) }

  /// The largest |⟨x, d⟩| over all rows and atoms.
  var largestLambda: Double {
    (0..<count).map { i in
      NaiveSparse.correlations(row(i), exactDictionary).map(abs).max() ?? 0
    }.max() ?? 0
  }

  func coder(
    _ options: SparseOptions, threads: Int = 2
  ) throws -> SparseCoder {
    try SparseCoder(
      SparseDictionary(atoms: dictionary, rowShape: [width], options: options),
      pool: WorkerPool(threads: threads))
  }

  func codes(_ options: SparseOptions, threads: Int = 2) throws -> (codes: [Float], SparseReport) {
    let coder = try coder(options, threads: threads)
    var codes = [Float](repeating: .nan, count: count * atoms)
    coder.encode(rows, count: count, into: &codes)
    return (codes, coder.report)
  }

  func code(_ index: Int, of codes: [Float]) -> [Double] {
    codes[index * atoms..<(index + 1) * atoms].map(Double.init)
  }
}
