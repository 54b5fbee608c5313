import CKernels

/// How a parameter starts.
public enum Initialiser: Sendable, Equatable {
  /// U(−bound, bound).
  case uniform(bound: Float)
  case constant(Float)
}

/// How dense layers start.
public enum InitialiserScheme: String, Sendable, Codable, CaseIterable {
  /// U(±1/√fan_in) for weights and biases alike, as PyTorch's Linear.
  case pytorch
  /// U(±√(6 / (fan_in + fan_out))), biases 0 (Glorot and Bengio, 2010).
  case glorot

  public func weight(fanIn: Int, fanOut: Int) -> Initialiser {
    switch self {
    case .pytorch: .uniform(bound: 1 / Float(fanIn).squareRoot())
    case .glorot: .uniform(bound: (6 / Float(fanIn + fanOut)).squareRoot())
    }
  }

  public func bias(fanIn: Int) -> Initialiser {
    self == .pytorch ? .uniform(bound: 1 / Float(fanIn).squareRoot()) : .constant(0)
  }
}

/// How an array whose channels come first in files, as PyTorch has them, lies in memory, where they
/// come last: [outer, channels, places, inner] there is [outer, places, channels, inner] here. Each
/// `reversal` places may come last to first.
public struct ChannelOrder: Sendable, Equatable {
  public let outer: Int
  public let channels: Int
  public let places: Int
  public let inner: Int
  public let reversal: Int

  public init(outer: Int, channels: Int, places: Int, inner: Int = 1, reversal: Int = 1) {
    self.outer = outer
    self.channels = channels
    self.places = places
    self.inner = inner
    self.reversal = reversal
  }

  fileprivate func channelsFirst(_ values: UnsafeBufferPointer<Float>) -> [Float] {
    var result: [Float] = []
    result.reserveCapacity(values.count)
    forEachRun { result.append(contentsOf: values[$0..<$0 + inner]) }
    return result
  }

  fileprivate func channelsLast(_ values: UnsafeBufferPointer<Float>) -> [Float] {
    var result = [Float](repeating: 0, count: values.count)
    var from = 0
    forEachRun { to in
      for i in 0..<inner { result[to + i] = values[from + i] }
      from += inner
    }
    return result
  }

  /// Calls with where each run of `inner` values of the file begins in memory.
  private func forEachRun(_ body: (Int) -> Void) {
    for o in 0..<outer {
      for channel in 0..<channels {
        for place in 0..<places {
          let here = place + reversal - 1 - 2 * (place % reversal)
          body(((o * places + here) * channels + channel) * inner)
        }
      }
    }
  }
}

/// A named array of trained numbers.
public struct ParameterSpec: Sendable {
  public let name: String
  /// In files.
  public let shape: [Int]
  public let initialiser: Initialiser
  /// Lies directly behind the parameter before it, so that one multiplication can read both.
  let joined: Bool
  /// How it lies in memory, where that is not as in files.
  let order: ChannelOrder?
  /// Whether an optimiser changes it; running statistics are only kept with the rest.
  package let isTrained: Bool

  public init(
    name: String, shape: [Int], initialiser: Initialiser, joined: Bool = false,
    trained: Bool = true, order: ChannelOrder? = nil
  ) {
    self.name = name
    self.shape = shape
    self.initialiser = initialiser
    self.joined = joined
    self.order = order
    self.isTrained = trained
  }

  public var count: Int { shape.reduce(1, *) }
}

/// All parameters of a model in one flat f32 buffer, each on a cache line unless joined to the one
/// before, and where training or inference runs in bf16, copies in bf16.
///
/// Not for several threads at once, but for the phases of one graph: laying a model out adds packed
/// copies of its weights here.
public final class ParameterStore {
  public let specs: [ParameterSpec]
  /// Where each parameter begins, in elements.
  package let offsets: [Int]
  package let values: AlignedBuffer<Float>
  package private(set) var copy: AlignedBuffer<UInt16>?

  /// Zeros. - Throws: `ComputeError.outOfMemory`.
  public init(_ specs: [ParameterSpec]) throws {
    var end = 0
    var offsets: [Int] = []
    for spec in specs {
      let start = spec.joined ? end : (end + 15) & ~15
      offsets.append(start)
      end = start + spec.count
    }
    self.specs = specs
    self.offsets = offsets
    values = try AlignedBuffer(count: end)
  }

  /// The number of trained values.
  public var count: Int { specs.reduce(0) { $0 + $1.count } }

  /// Draws every parameter from its initialiser: a pure function of the seed and its position.
  public func initialise(seed: UInt64) {
    let noise = Noise(seed: seed, purpose: .initialise)
    for (index, spec) in specs.enumerated() {
      var generator = NoiseGenerator(noise, row: UInt64(index))
      let target = self[index]
      switch spec.initialiser {
      case .uniform(let bound):
        for i in target.indices { target[i] = (2 * generator.nextUnit() - 1) * bound }
      case .constant(let value):
        target.update(repeating: value)
      }
    }
  }

  /// The values of parameter `index`, as they lie in memory.
  package subscript(index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: values.base + offsets[index], count: specs[index].count)
  }

  /// The values of the parameter of that name, row-major in its shape; nil where there is none.
  public func values(of name: String) -> [Float]? { index(of: name).map { fileValues($0) } }

  /// The values of parameter `index` as files have them, row-major in its shape; or those for it
  /// in another buffer that is laid out as this store.
  package func fileValues(_ index: Int, in buffer: AlignedBuffer<Float>? = nil) -> [Float] {
    let values = UnsafeBufferPointer(
      start: (buffer ?? self.values).base + offsets[index], count: specs[index].count)
    return specs[index].order?.channelsFirst(values) ?? Array(values)
  }

  /// Sets what `fileValues` gives.
  package func setFileValues(
    _ index: Int, _ values: [Float], in buffer: AlignedBuffer<Float>? = nil
  ) {
    let target = (buffer ?? self.values).base + offsets[index]
    let stored = values.withUnsafeBufferPointer { specs[index].order?.channelsLast($0) } ?? values
    target.update(from: stored, count: min(stored.count, specs[index].count))
  }

  /// The position of the parameter of that name in `specs`.
  package func index(of name: String) -> Int? { specs.firstIndex { $0.name == name } }

  /// Where the parameter of that name begins. The model and its layers agree on names.
  func offset(of name: String) -> Int {
    guard let index = index(of: name) else { preconditionFailure("no parameter \(name)") }
    return offsets[index]
  }

  /// Runs of values that training leaves as they are.
  package private(set) var frozen: [Range<Int>] = []

  /// Keeps the parameters whose names `isFrozen` accepts as they are.
  package func freeze(where isFrozen: (String) -> Bool) {
    frozen = specs.indices.filter { !specs[$0].isTrained || isFrozen(specs[$0].name) }
      .map { offsets[$0]..<offsets[$0] + specs[$0].count }
  }

  /// Whether some value of the run is trained.
  func isTrained(_ run: Range<Int>) -> Bool {
    var at = run.lowerBound
    for frozen in frozen where frozen.contains(at) { at = min(frozen.upperBound, run.upperBound) }
    return at < run.upperBound
  }

  /// Makes (or makes again, after the values changed) the bf16 copy that oneDNN's layers read.
  package func refreshCopy() throws {
    let copy = try self.copy ?? AlignedBuffer<UInt16>(count: values.count)
    vt_bf16_from_f32(copy.base, values.base, values.count)
    self.copy = copy
  }

  /// The packed copies that layers read, each with where its parameter begins.
  private var packed: [(offset: Int, weight: PackedWeight)] = []

  /// The copy of the matrix at `offset` for that use, up to date; made once for all layers.
  ///
  /// - Throws: `ComputeError.outOfMemory`.
  func packed(
    _ offset: Int, rows: Int, columns: Int, for use: PackedWeight.Use, _ precision: Precision
  ) throws -> PackedWeight {
    let found = packed.first {
      $0.offset == offset && $0.weight.rows == rows && $0.weight.columns == columns
        && $0.weight.use == use && $0.weight.precision == precision
    }
    let weight =
      try found?.weight
      ?? PackedWeight(rows: rows, columns: columns, use: use, precision: precision)
    if found == nil { packed.append((offset, weight)) }
    weight.pack(values.base + offset, rows: 0..<rows)
    return weight
  }

  /// Brings the packed copies of a run that an optimiser changed up to date. Where the run is part
  /// of a matrix, it is whole rows from a multiple of `PackedWeight.rowsTogether` on.
  func changed(_ run: Range<Int>) {
    for (offset, weight) in packed {
      let part = run.clamped(to: offset..<offset + weight.rows * weight.columns)
      guard !part.isEmpty else { continue }
      let first = (part.lowerBound - offset) / weight.columns
      weight.pack(
        values.base + offset, rows: first..<first + part.count / weight.columns)
    }
  }

  /// Element `offset` in the buffer of that precision.
  func pointer(_ offset: Int, _ precision: Precision) -> UnsafeRawPointer {
    guard precision == .bf16, let copy else { return UnsafeRawPointer(values.base + offset) }
    return UnsafeRawPointer(copy.base + offset)
  }
}
