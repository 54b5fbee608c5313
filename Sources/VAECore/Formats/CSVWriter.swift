/// Writes the rows of a stream as text, a line a row, its values in row-major order.
///
/// Each number is the shortest decimal that gives it back, so that reading the text as the stream's
/// type restores every value; u1 is 0 to 255. NaN loses sign and payload.
/// - Throws: `StreamError`.
package func writeCSV(_ reader: TensorReader, format: CSVFormat = CSVFormat(), to sink: ByteSink)
  throws
{
  var text: [UInt8] = []
  if format.header {
    for column in 0..<reader.rowSize {
      if column > 0 { text.append(format.delimiter) }
      text.append(contentsOf: "x\(column)".utf8)
      if text.count >= 1 << 16 {
        try sink.write(text)
        text.removeAll(keepingCapacity: true)
      }
    }
    text.append(UInt8(ascii: "\n"))
  }
  let bytes = (0...255).map { Array("\($0)".utf8) }
  let isBytes = reader.elementType == .u1
  let block = GrowableBuffer<Double>()
  let batch = max(1, RowCarrier.elements / reader.rowSize)
  while try reader.append(to: block, maxRows: batch, scaleBytes: false) > 0 {
    var column = 0
    for value in UnsafeBufferPointer(start: block.base, count: block.count) {
      if isBytes {
        text.append(contentsOf: bytes[Int(value)])
      } else {
        text.append(contentsOf: decimal(value, as: reader.elementType).utf8)
      }
      column += 1
      let endsRow = column == reader.rowSize
      text.append(endsRow ? UInt8(ascii: "\n") : format.delimiter)
      if endsRow { column = 0 }
      if text.count >= 1 << 16 {
        try sink.write(text)
        text.removeAll(keepingCapacity: true)
      }
    }
    block.count = 0
  }
  try sink.write(text)
  try sink.finish()
}
