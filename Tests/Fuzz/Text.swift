import VAECore
import VAEPlots

/// Text as `tensor-csv` reads it.
func csvTarget(_ bytes: [UInt8]) throws {
  var choices = Choices(bytes)
  let kind = choices.byte()
  let text = Array(bytes.dropFirst())
  var format = CSVFormat()
  format.delimiter = [UInt8(ascii: ","), UInt8(ascii: " "), UInt8(ascii: "\t")][Int(kind & 3) % 3]
  format.header = kind & 4 != 0
  let type: ElementType = kind & 8 != 0 ? .u1 : .f4
  let shape: [Int]? = kind & 16 != 0 ? [1 + Int(kind >> 5)] : nil
  let whole = attempt { try csv(text, format, type, shape) }
  switch (whole, attempt { try csv(text, format, type, shape, pieceSize: 5) }) {
  case (.read(let a), .read(let b)):
    expect(a.map(\.bitPattern) == b.map(\.bitPattern), "small pieces give other values")
  case (.refused(let a), .refused(let b)): expect(a == b, "small pieces are refused otherwise")
  default: fatalError("small pieces have another outcome")
  }
  if case .read = whole, !format.header, !text.contains(UInt8(ascii: "#")) {
    expect(text.allSatisfy { 9...13 ~= $0 || 32...126 ~= $0 || $0 >= 128 }, "control characters")
  }
  let width = 1 + choices.below(4)
  let floats = (0..<(choices.below(4) * width)).map { _ in Float(bitPattern: choices.word()) }
  guard !floats.isEmpty else { return }
  let stream = try written { sink in
    let writer = try TensorWriter(
      sink, type: .f4, rowShape: [width], rows: floats.count / width)
    try floats.withUnsafeBytes { try writer.write(raw: $0) }
    try writer.finish()
  }
  let table = try written { sink in
    try writeCSV(TensorReader(ByteSource(bytes: stream, name: "input")), format: format, to: sink)
  }
  let read = sound("a table") { try csv(table, format, .f4, [width]) }
  for (a, b) in zip(floats, read) { expect(a == b || a.isNaN && b.isNaN, "\(a) became \(b)") }
  expect(read.count == floats.count, "\(floats.count) numbers became \(read.count)")
  expectRefusal("a row that is too long") {
    let line = Array(String(repeating: "1,", count: width).utf8) + [UInt8(ascii: "1")]
    _ = try csv(line, CSVFormat(), .f4, [width])
  }
  expectRefusal("a number that is no byte") {
    _ = try csv(Array("\(256 + choices.below(9))".utf8), CSVFormat(), .u1, nil)
  }
}

private func csv(
  _ text: [UInt8], _ format: CSVFormat, _ type: ElementType, _ shape: [Int]?,
  pieceSize: Int = .max
) throws -> [Float] {
  let stream = try written { sink in
    try readCSV(
      ByteSource(bytes: text, name: "input", pieceSize: pieceSize), format: format, type: type,
      rowShape: shape, to: sink)
  }
  let reader = try TensorReader(ByteSource(bytes: stream, name: "output"))
  let batch = RowBatch()
  var values: [Float] = []
  while try batch.fill(from: reader, maxRows: 64, scaleBytes: false, finite: false) {
    values += batch.values
  }
  return values
}

/// The JSON lines of a run.
func logTarget(_ bytes: [UInt8]) throws {
  if case .read(let metrics) = attempt({
    try Metrics(ByteSource(bytes: bytes, name: "input", pieceSize: 5))
  }) {
    _ = metrics.curve("loss")
    expect(!metrics.epochs.isEmpty, "a log without epochs")
    expect(metrics.epochs.allSatisfy { $0.figures.values.allSatisfy(\.isFinite) }, "not finite")
  }
  var choices = Choices(bytes)
  let records = (0..<(1 + choices.below(5))).map { epoch in
    (epoch: epoch + 1, loss: Double(Int32(bitPattern: choices.word())) / 64)
  }
  var text = records.map { "{\"event\":\"epoch\",\"epoch\":\($0.epoch),\"loss\":\($0.loss)}\n" }
    .joined()
  if choices.below(2) == 1 { text += "{\"event\":\"epoch\",\"epo" }  // of a run that goes on
  let metrics = sound("a log") {
    try Metrics(ByteSource(bytes: Array(text.utf8), name: "input"))
  }
  expect(metrics.curve("loss").map(\.value) == records.map(\.loss), "the losses differ")
  expectRefusal("a line that is no record") {
    _ = try Metrics(ByteSource(bytes: Array(("[]\n" + text).utf8), name: "input"))
  }
}
