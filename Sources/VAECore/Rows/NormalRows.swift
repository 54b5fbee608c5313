/// Writes an f4 array of standard normals, byte for byte what `np.save` would write for the numbers.
///
/// The numbers are one sequence for the seed, cut into the shape: (6,), (2, 3) and the first rows of
/// (100, 3) hold the same ones.
/// - Throws: `StreamError` when the shape is impossible or the sink fails.
public func writeNormals(rows: Int, rowShape: [Int], seed: UInt64, to sink: ByteSink) throws {
  // The writer writes the header. The numbers go past it: a row may be too long to be held.
  let writer = try TensorWriter(sink, type: .f4, rowShape: rowShape, rows: rows)
  let noise = Noise(seed: seed, purpose: .sample)
  let width = 256
  let lines = 256
  let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: width * lines)
  defer { buffer.deallocate() }
  guard let base = buffer.baseAddress else { return }
  var left = rows * writer.rowSize
  var line: UInt64 = 0
  while left > 0 {
    let count = min(left, buffer.count)
    noise.normals(
      into: base, rows: (count - 1) / width + 1, columns: width, stride: width, firstRow: line)
    try sink.write(UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[..<count])))
    left -= count
    line += UInt64(lines)
  }
  try sink.finish()
}
