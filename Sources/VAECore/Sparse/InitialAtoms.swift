import CKernels

/// Fills a layout's atoms with different rows, chosen at random and brought to norm 1; where there
/// are not enough of them, with random directions.
///
/// - Throws: `SparseError.nothingToLearn` where no row has a non-zero value.
func chooseInitialAtoms(
  of rows: RowStore, seed: UInt64, nonnegative: Bool, into layout: AtomLayout
) throws {
  let (k, d, stride) = (layout.count, layout.width, layout.paddedWidth)
  guard rows.rows > 0 else {
    throw SparseError.nothingToLearn(source: rows.name, "no rows to learn a dictionary from")
  }
  let row = try AlignedBuffer<Float>(count: d)
  var chosen = 0
  var met: [UInt64: [Int]] = [:]
  for index in permutation(of: rows.rows, noise: Noise(seed: seed, purpose: .dictionary)) {
    guard chosen < k else { break }
    rows.copy(row: Int(index), into: row.base)
    let atom = layout.rows.base + chosen * stride
    guard vt_unit_atom(atom, row.base, d, nonnegative ? 1 : 0) != 0 else { continue }
    // Two rows in the same direction would be one atom twice.
    var hasher: UInt64 = 0xcbf2_9ce4_8422_2325
    for p in 0..<d { hasher = (hasher ^ UInt64(atom[p].bitPattern)) &* 0x100_0000_01b3 }
    let same = met[hasher, default: []].contains { other in
      (0..<d).allSatisfy { layout.rows.base[other * stride + $0] == atom[$0] }
    }
    guard !same else { continue }
    met[hasher, default: []].append(chosen)
    chosen += 1
  }
  guard chosen > 0 else {
    throw SparseError.nothingToLearn(
      source: rows.name,
      nonnegative
        ? "no row has a positive value, nothing to learn" : "all rows are zero, nothing to learn")
  }
  let noise = Noise(seed: seed, purpose: .dictionary, step: .max)
  while chosen < k {
    noise.normals(into: row.base, rows: 1, columns: d, stride: d, firstRow: UInt64(chosen))
    if nonnegative { for p in 0..<d { row.base[p] = abs(row.base[p]) } }
    if vt_unit_atom(layout.rows.base + chosen * stride, row.base, d, 0) == 0 {
      layout.rows.base[chosen * stride] = 1
    }
    chosen += 1
  }
}

/// The smallest λ under which all codes of all rows are zero: max ‖xDᵀ‖∞.
func largestLambda(
  of rows: RowStore, layout: AtomLayout, nonnegative: Bool, pool: WorkerPool
) -> Double {
  let size = 1024
  let tasks = (rows.rows + size - 1) / size
  var largest = [Double](repeating: 0, count: tasks)
  largest.withUnsafeMutableBufferPointer { largest in
    guard let largest = largest.baseAddress else { return }
    pool.run(tasks: tasks) { task, _ in
      var kernel = layout.kernel
      withUnsafeTemporaryAllocation(of: Float.self, capacity: layout.width) { row in
        guard let row = row.baseAddress else { return }
        for index in task * size..<min(rows.rows, (task + 1) * size) {
          rows.copy(row: index, into: row)
          largest[task] = max(
            largest[task], vt_largest_correlation(&kernel, row, nonnegative ? 1 : 0))
        }
      }
    }
  }
  return largest.max() ?? 0
}

extension SparseDictionary {
  /// Sets λ to `ratio` times the smallest λ under which all codes of all rows are zero.
  ///
  /// - Throws: `SparseError.wrongWidth`, `ComputeError`.
  public mutating func setLambda(ratio: Double, of rows: RowStore, pool: WorkerPool) throws {
    guard rows.rowSize == width else {
      throw SparseError.wrongWidth(source: rows.name, expected: width, got: rows.rowSize)
    }
    let layout = try AtomLayout(self, gram: false, pool: pool)
    options.lambda =
      ratio
      * largestLambda(of: rows, layout: layout, nonnegative: options.nonnegative, pool: pool)
  }
}

extension RowStore {
  /// Row `row` as floats; u1 stands for value/255.
  func copy(row: Int, into output: UnsafeMutablePointer<Float>) {
    if let floats {
      output.update(from: floats + row * rowSize, count: rowSize)
    } else if let bytes {
      let from = bytes + row * rowSize
      for i in 0..<rowSize { output[i] = Float(from[i]) / 255 }
    }
  }
}
