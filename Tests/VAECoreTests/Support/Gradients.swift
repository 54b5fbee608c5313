import Foundation
import Testing
import VAECore

/// Keeps a whole gradient.
final class Collector: GradientSink, @unchecked Sendable {
  private let store: ParameterStore
  private let values: AlignedBuffer<Float>

  init(_ store: ParameterStore) {
    self.store = store
    guard let values = try? AlignedBuffer<Float>(count: store.values.count) else {
      fatalError("no memory")
    }
    self.values = values
  }

  func accept(_ gradient: UnsafeMutablePointer<Float>, offset: Int, count: Int, task: Int) {
    (values.base + offset).update(from: gradient, count: count)
  }

  /// As files have it.
  func gradient(_ index: Int) -> [Float] { store.fileValues(index, in: values) }
}

/// Compares numbers as NumPy's allclose does, and names the worst.
func expectClose<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(
  _ values: [A], _ expected: [B], relative: Double, absolute: Double = 0, _ what: String,
  location: SourceLocation = #_sourceLocation
) {
  #expect(values.count == expected.count, "\(what): count", sourceLocation: location)
  var worst = (excess: 0.0, text: "")
  for (index, pair) in zip(values, expected).enumerated() {
    let (value, target) = (Double(pair.0), Double(pair.1))
    let excess = abs(value - target) / (absolute + relative * abs(target))
    if !(excess <= max(1, worst.excess)) {
      worst = (excess, "\(what)[\(index)]: \(value), expected \(target)")
    }
  }
  #expect(worst.text.isEmpty, "\(worst.text)", sourceLocation: location)
}

/// f4 rows as a store.
func rowStore(_ values: [Float], shape: [Int]) throws -> RowStore {
  let size = shape.reduce(1, *)
  let path = FileManager.default.temporaryDirectory.path + "/\(UUID().uuidString).npy"
  defer { try? FileManager.default.removeItem(atPath: path) }
  let file = try AtomicFile(path: path)
  let writer = try TensorWriter(
    file.sink, type: .f4, rowShape: shape, rows: values.count / size)
  try values.withUnsafeBufferPointer { try writer.write($0) }
  try writer.finish()
  try file.commit()
  return try RowStore(TensorReader(ByteSource(path: path)))
}

/// A Gaussian likelihood of that standard deviation, which must be one.
func gaussian(_ sigma: Sigma) -> any Likelihood {
  guard let likelihood = try? Likelihoods.named("gaussian", sigma: sigma) else {
    fatalError("no such standard deviation")
  }
  return likelihood
}
