/// A tensor to be written: `F32`, row-major.
public struct SafetensorsTensor: Sendable {
  public let name: String
  public let shape: [Int]
  public let values: [Float]

  /// `values` are as many as the shape says.
  public init(name: String, shape: [Int], values: [Float]) {
    precondition(shape.reduce(1, *) == values.count, "\(name): expected values for \(shape)")
    precondition(name != "__metadata__", "the name of the metadata is no tensor's")
    self.name = name
    self.shape = shape
    self.values = values
  }
}

/// Writes safetensors files, the same bytes for the same content.
public enum SafetensorsWriter {
  /// Writes a whole file to `sink`, which is left to the caller to finish: header keys sorted, the
  /// data in the order given. Names differ.
  ///
  /// Throws when a value is not finite, before anything is written, or when writing fails.
  public static func write(
    _ tensors: [SafetensorsTensor], metadata: [String: String] = [:], to sink: ByteSink
  ) throws {
    var header = SafetensorsHeader()
    header.metadata = metadata
    var end = 0
    for tensor in tensors {
      if let bad = tensor.values.firstIndex(where: { !$0.isFinite }) {
        throw SafetensorsError.notFinite(
          name: sink.name, tensor: tensor.name, element: bad, value: "\(tensor.values[bad])")
      }
      let start = end
      end += 4 * tensor.values.count
      let replaced = header.tensors.updateValue(
        .init(dtype: "F32", shape: tensor.shape, offsets: [start, end]),
        forKey: tensor.name)
      precondition(replaced == nil, "two tensors are called \(tensor.name)")
    }
    let text = try header.encoded()
    try withUnsafeBytes(of: UInt64(text.count).littleEndian) { try sink.write($0) }
    try sink.write(text)
    for tensor in tensors { try tensor.values.withUnsafeBytes { try sink.write($0) } }
  }
}
