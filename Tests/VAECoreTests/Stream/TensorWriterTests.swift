import Testing
import VAECore

struct TensorWriterTests {
  /// What a writer makes of floats handed over in steps.
  private func write(
    _ values: [Float], rowShape: [Int], rows: Int?, continues: Bool = false, steps: [Int]
  ) throws -> [UInt8] {
    try Streams.written { sink in
      let writer = try TensorWriter(
        sink, type: .f4, rowShape: rowShape, rows: rows, continues: continues)
      var start = 0
      for step in steps {
        try values[start..<(start + step)].withUnsafeBufferPointer { try writer.write($0) }
        start += step
      }
      #expect(writer.rowsWritten == start / writer.rowSize)
      try writer.finish()
    }
  }

  @Test func writesHeadersAsNumPy() throws {
    for line in try Streams.goldenLines("npy-headers.txt", words: 4) {
      let type = try #require(ElementType(rawValue: String(line[0].dropFirst())))
      let shape = line[1].split(separator: ",").compactMap { Int($0) }
      let length = try #require(Int(line[2]))
      let bytes = try Streams.written { sink in
        _ = try TensorWriter(
          sink, type: type, rowShape: Array(shape.dropFirst()), rows: shape[0])
      }
      let text = Array(line[3].utf8)
      let spaces = [UInt8](repeating: 0x20, count: max(length - 11 - text.count, 0))
      #expect(bytes.count == length, "\(line[3])")
      #expect(Array(bytes.prefix(8)) == [0x93] + Array("NUMPY".utf8) + [1, 0])
      #expect(Int(bytes[8]) + Int(bytes[9]) << 8 == length - 10)
      #expect(Array(bytes.dropFirst(10)) == text + spaces + [0x0a])
    }
  }

  @Test func writesOneArrayWhenRowsAreKnown() throws {
    let values: [Float] = [1, 2, 3, 4, 5, 6]
    let bytes = try write(values, rowShape: [2], rows: 3, steps: [2, 0, 4])
    #expect(bytes.count == 128 + 24)
    #expect(Array(bytes.suffix(24)) == Streams.bytes(values))
    #expect(try Streams.floats(bytes) == values)
  }

  @Test func writesAnArrayAChunkWhenTheyAreNot() throws {
    let values: [Float] = [1, 2, 3, 4, 5, 6]
    let bytes = try write(values, rowShape: [2], rows: nil, steps: [2, 4])
    #expect(bytes.count == 2 * 128 + 24)
    #expect(try Streams.reader(bytes).declaredRows == 1)
    #expect(try Streams.floats(bytes) == values)
  }

  @Test func writesNoRowsAsAnArray() throws {
    for rows in [nil, 0] {
      let bytes = try write([], rowShape: [4], rows: rows, steps: [])
      let reader = try Streams.reader(bytes)
      #expect(reader.declaredRows == 0 && reader.rowShape == [4])
      #expect(bytes.count == 128)
    }
  }

  @Test func writesBytes() throws {
    let bytes = try Streams.written { sink in
      let writer = try TensorWriter(sink, type: .u1, rowShape: [], rows: 3)
      try [UInt8]([7, 8, 9]).withUnsafeBufferPointer { try writer.write($0) }
      try writer.finish()
    }
    #expect(Array(bytes.suffix(3)) == [7, 8, 9])
    #expect(try Streams.floats(bytes, scaleBytes: false) == [7, 8, 9])
  }

  @Test func continuesWithFurtherArrays() throws {
    let values = (0..<10).map { Float($0) }
    let bytes = try write(
      values, rowShape: [1], rows: 3, continues: true, steps: [2, 4, 4])
    #expect(bytes.count == 3 * 128 + 40)
    #expect(try Streams.floats(bytes) == values)
  }

  @Test func holdsItsPromises() throws {
    let few = #expect(throws: StreamError.self) {
      try write([1, 2], rowShape: [1], rows: 3, steps: [2])
    }
    #expect(few?.kind == .bug)
    #expect(few?.description.hasSuffix("promised 3 rows, wrote 2") == true)
    let many = #expect(throws: StreamError.self) {
      try write([1, 2], rowShape: [1], rows: 1, steps: [2])
    }
    #expect(many?.description.hasSuffix("promised 1 row, wrote 2") == true)
  }

  @Test func refusesImpossibleShapes() throws {
    #expect(throws: StreamError.self) {
      try write([], rowShape: [1 << 40, 1 << 40], rows: 1, steps: [])
    }
    #expect(throws: StreamError.self) {
      try write([], rowShape: [1 << 40], rows: 1 << 40, steps: [])
    }
  }
}
