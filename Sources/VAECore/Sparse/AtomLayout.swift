import CKernels

/// A dictionary in the layouts the kernels read, with its Gram matrix.
package final class AtomLayout: @unchecked Sendable {
  package let count: Int
  package let width: Int
  let paddedCount: Int
  let paddedWidth: Int
  let rows: AlignedBuffer<Float>
  let columns: AlignedBuffer<Float>
  let gram: AlignedBuffer<Float>
  let exactGram: AlignedBuffer<Double>
  private let hasGram: Bool
  package let kernel: vt_dictionary

  /// The most atoms whose Gram matrix is held: 1.8 GB.
  static let most = 12288

  /// - Throws: `ComputeError.outOfMemory`, `SparseError.badOption` past `most` atoms.
  ///
  /// - Parameter gram: whether there is a Gram matrix.
  package init(count: Int, width: Int, gram hasGram: Bool = true) throws {
    guard count > 0 else {
      throw SparseError.badOption("a dictionary needs at least one atom, got \(count)")
    }
    guard !hasGram || count <= Self.most else {
      throw SparseError.badOption(
        "at most \(Self.most) atoms are possible, got \(count): their inner products are held")
    }
    self.count = count
    self.width = width
    paddedCount = (count + 63) & ~63
    paddedWidth = (width + 15) & ~15
    rows = try AlignedBuffer(count: count * paddedWidth)
    columns = try AlignedBuffer(count: width * paddedCount)
    gram = try AlignedBuffer(count: hasGram ? count * paddedCount : 0)
    exactGram = try AlignedBuffer(count: hasGram ? count * paddedCount : 0)
    self.hasGram = hasGram
    kernel = vt_dictionary(
      atoms: count, padded_atoms: paddedCount, width: width, padded_width: paddedWidth,
      rows: rows.base, columns: columns.base, gram: gram.base, exact_gram: exactGram.base)
  }

  package convenience init(
    _ dictionary: SparseDictionary, gram hasGram: Bool = true, pool: WorkerPool
  ) throws {
    try self.init(count: dictionary.count, width: dictionary.width, gram: hasGram)
    dictionary.atoms.withUnsafeBufferPointer { atoms in
      for i in 0..<count {
        for p in 0..<width { rows.base[i * paddedWidth + p] = atoms[i * width + p] }
      }
    }
    update(pool: pool)
  }

  /// Brings columns and Gram matrix up to date with `rows`.
  func update(pool: WorkerPool) {
    for p in 0..<width {
      for i in 0..<count { columns.base[p * paddedCount + i] = rows.base[i * paddedWidth + p] }
    }
    guard hasGram else { return }
    let stripe = 16
    pool.run(tasks: (count + stripe - 1) / stripe) { task, _ in
      withUnsafePointer(to: kernel) {
        vt_gram(
          $0, gram.base, exactGram.base, task * stripe, min(count, (task + 1) * stripe))
      }
    }
  }

  /// The largest |cosine| between two atoms; 0 of a single one.
  func coherence() -> Double {
    var largest = 0.0
    for i in 0..<count {
      let row = exactGram.base + i * paddedCount
      for j in 0..<i {
        let squares = row[i] * exactGram.base[j * (paddedCount + 1)]
        if squares > 0 { largest = max(largest, row[j] * row[j] / squares) }
      }
    }
    return min(largest, 1).squareRoot()
  }

  /// The largest eigenvalue of the Gram matrix, from above by a little: what bounds the step of
  /// the gradient methods.
  func lipschitz() -> Double {
    var v = (0..<count).map { 1 + 0.01 * Double($0 % 7) }
    var largest = 0.0
    for _ in 0..<300 {
      let norm = v.reduce(0) { $0 + $1 * $1 }.squareRoot()
      guard norm > 0 else { return 1 }
      var next = [Double](repeating: 0, count: count)
      for i in 0..<count {
        let row = exactGram.base + i * paddedCount
        let f = v[i] / norm
        for j in 0..<count { next[j] += f * row[j] }
      }
      let now = next.reduce(0) { $0 + $1 * $1 }.squareRoot()
      v = next
      if abs(now - largest) <= 1e-7 * now {
        largest = now
        break
      }
      largest = now
    }
    return largest > 0 ? largest * 1.001 : 1
  }
}

/// The kernels' scratch memory, one piece a worker.
final class SparseWorkspaces: @unchecked Sendable {
  private var works: [OpaquePointer] = []

  init(_ layout: AtomLayout, workers: Int) throws {
    for _ in 0..<workers {
      guard let work = withUnsafePointer(to: layout.kernel, { vt_sparse_work_create($0) }) else {
        throw ComputeError.outOfMemory(bytes: layout.paddedCount * 64)
      }
      works.append(work)
    }
  }

  deinit { for work in works { vt_sparse_work_destroy(work) } }

  subscript(worker: Int) -> OpaquePointer { works[worker] }
}
