import CKernels

/// How a parameter starts.
public enum Initialiser: Sendable, Equatable {
  /// U(−bound, bound).
  case uniform(bound: Float)

  /// PyTorch's Linear: U(±1/√fan_in), for weights and biases alike.
  public static func linear(fanIn: Int) -> Initialiser {
    .uniform(bound: 1 / Float(fanIn).squareRoot())
  }
}

/// A named array of trained numbers.
public struct ParameterSpec: Sendable {
  public let name: String
  public let shape: [Int]
  public let initialiser: Initialiser
  /// Lies directly behind the parameter before it, so that one multiplication can read both.
  let joined: Bool

  public init(name: String, shape: [Int], initialiser: Initialiser, joined: Bool = false) {
    self.name = name
    self.shape = shape
    self.initialiser = initialiser
    self.joined = joined
  }

  public var count: Int { shape.reduce(1, *) }
}

/// All parameters of a model in one flat f32 buffer, each on a cache line unless joined to the one
/// before, and where training or inference runs in bf16, the same buffer in bf16.
public final class ParameterStore: @unchecked Sendable {
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
      }
    }
  }

  /// The values of parameter `index`, row-major.
  package subscript(index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(start: values.base + offsets[index], count: specs[index].count)
  }

  /// The position of the parameter of that name in `specs`.
  package func index(of name: String) -> Int? { specs.firstIndex { $0.name == name } }

  /// Makes (or makes again, after the values changed) the bf16 copy that bf16 layers read.
  package func refreshCopy() throws {
    let copy = try self.copy ?? AlignedBuffer<UInt16>(count: values.count)
    vt_bf16_from_f32(copy.base, values.base, values.count)
    self.copy = copy
  }

  /// Element `offset` in the buffer of that precision.
  func pointer(_ offset: Int, _ precision: Precision) -> UnsafeRawPointer {
    guard precision == .bf16, let copy else { return UnsafeRawPointer(values.base + offset) }
    return UnsafeRawPointer(copy.base + offset)
  }
}
