import Testing
import VAECore

struct DeferredHeaderWriterTests {
  /// The rows of each array that comes of writing 10 rows of two bytes, two at a time.
  private func arrays(rows: RowCount, mostHeld: Int) throws -> [Int] {
    let bytes = (0..<20).map { UInt8($0) }
    let stream = try Streams.written { sink in
      let writer = try DeferredHeaderWriter(
        sink, type: .u1, rowShape: [2], rows: rows, mostHeld: mostHeld)
      for start in stride(from: 0, to: 20, by: 4) {
        try bytes[start..<(start + 4)].withUnsafeBytes(writer.write(raw:))
      }
      try writer.finish()
    }
    let reader = try Streams.reader(stream)
    var counts: [Int] = []
    var values: [UInt8] = []
    while true {
      var row: [UInt8] = [0, 0]
      let count = try row.withUnsafeMutableBufferPointer {
        try reader.readBytes(into: $0, maxRows: 1)
      }
      if count == 0 { break }
      values += row
      if counts.count < reader.arraysRead { counts.append(0) }
      counts[reader.arraysRead - 1] += 1
    }
    #expect(values == bytes)
    return counts
  }

  @Test func fewRowsMakeOneArray() throws {
    #expect(try arrays(rows: .exactly(10), mostHeld: 0) == [10])
    #expect(try arrays(rows: .atLeast(0), mostHeld: 20) == [10])
    #expect(try arrays(rows: .atLeast(3), mostHeld: .max) == [10])
  }

  @Test func manyRowsMakeOneArrayOfThosePromised() throws {
    #expect(try arrays(rows: .atLeast(10), mostHeld: 8) == [10])
    #expect(try arrays(rows: .atLeast(7), mostHeld: 8) == [7, 1, 2])
  }

  @Test func withoutPromiseArraysAreOfEqualSize() throws {
    #expect(try arrays(rows: .atLeast(0), mostHeld: 8) == [4, 4, 2])
    #expect(try arrays(rows: .atLeast(2), mostHeld: 8) == [4, 4, 2])
  }

  @Test func noRowsMakeAnEmptyArray() throws {
    let stream = try Streams.written { sink in
      try DeferredHeaderWriter(sink, type: .f4, rowShape: [3], rows: .atLeast(0)).finish()
    }
    let reader = try Streams.reader(stream)
    #expect(reader.declaredRows == 0 && reader.rowShape == [3])
  }

  @Test func promisesAreKept() throws {
    #expect(throws: StreamError.self) {
      try Streams.written { sink in
        try DeferredHeaderWriter(sink, type: .f4, rowShape: [3], rows: .exactly(1)).finish()
      }
    }
  }
}
