import Testing
import VAECore

struct TensorReaderTests {
  static let two = Streams.rows([1, 2, 3, 4, 5, 6], shape: "(2, 3)")
  static let one = Streams.rows([7, 8, 9], shape: "(1, 3)")

  @Test func readsRowsOverArrays() throws {
    let reader = try Streams.reader(Self.two + Self.one + Self.two)
    #expect(reader.rowShape == [3])
    #expect(reader.rowSize == 3)
    #expect(reader.declaredRows == 2)
    var values = [Float](repeating: 0, count: 12)
    let first = try values.withUnsafeMutableBufferPointer {
      try reader.readFloats(into: $0, maxRows: 4)
    }
    #expect(first == 4 && reader.rowsRead == 4)
    #expect(values == [1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3])
    let rest = try values.withUnsafeMutableBufferPointer {
      try reader.readFloats(into: $0, maxRows: 4)
    }
    #expect(rest == 1 && reader.rowsRead == 5)
    #expect(values[..<3] == [4, 5, 6])
    let end = try values.withUnsafeMutableBufferPointer {
      try reader.readFloats(into: $0, maxRows: 4)
    }
    #expect(end == 0)
  }

  @Test func readsBytesAsTheyAre() throws {
    let file = Streams.npy("|u1", "(2, 2)", data: [0, 1, 254, 255])
    var bytes = [UInt8](repeating: 9, count: 6)
    let reader = try Streams.reader(file + file)
    let rows = try bytes.withUnsafeMutableBufferPointer {
      try reader.readBytes(into: $0, maxRows: 3)
    }
    #expect(rows == 3)
    #expect(bytes == [0, 1, 254, 255, 0, 1])
    let floats = try Streams.reader(Self.two)
    #expect(throws: StreamError.notBytes(name: "x.npy", got: .f4)) {
      try bytes.withUnsafeMutableBufferPointer { try floats.readBytes(into: $0, maxRows: 1) }
    }
  }

  @Test func scalesBytesExactly() throws {
    let file = Streams.npy("|u1", "(256,)", data: Array(0...255))
    #expect(try Streams.floats(file) == (0...255).map { Float($0) / 255 })
    #expect(try Streams.floats(file, scaleBytes: false) == (0...255).map { Float($0) })
  }

  @Test func readsAsNumPyDoes() throws {
    for line in try Streams.goldenLines("npy-arrays.txt", words: 3) {
      let file = Streams.bytes(hex: line[1])
      let bits = Streams.bytes(hex: line[2])
      let expected = stride(from: 0, to: bits.count, by: 4).map { start in
        bits[start..<(start + 4)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
      }
      for pieceSize in [1, 5, Int.max] {
        let values = try Streams.floats(file, pieceSize: pieceSize, scaleBytes: false)
        #expect(values.map(\.bitPattern) == expected, "\(line[0])")
      }
    }
  }

  /// Blocks of rows, buffers and axes of length one.
  @Test(arguments: [[70_000, 3], [3, 70_000], [130, 1, 5, 1, 3], [2, 3, 4, 5]])
  func ordersFortranArrays(_ shape: [Int]) throws {
    let count = shape.reduce(1, *)
    var stored = [Float](repeating: 0, count: count)
    var expected: [Float] = []
    for number in 0..<count {
      // `number` counts in C order; its place in Fortran order has the axes reversed.
      var rest = number
      var place = 0
      for axis in shape.indices.reversed() {
        place += rest % shape[axis] * shape[..<axis].reduce(1, *)
        rest /= shape[axis]
      }
      stored[place] = Float(number)
      expected.append(Float(number))
    }
    let text = "(" + shape.map(String.init).joined(separator: ", ") + ")"
    let file = Streams.npy("<f4", text, fortran: "True", data: Streams.bytes(stored))
    #expect(try Streams.floats(file, rows: 100) == expected)
    #expect(throws: StreamError.self) { try Streams.floats(file.dropLast()) }
  }

  @Test func readsHalfPrecision() throws {
    #if !(os(macOS) && arch(x86_64))
      let data = (0...UInt16.max).flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
      let file = Streams.npy("<f2", "(65536,)", data: data)
      let values = try Streams.floats(file, rows: 4096, finite: false)
      for (bits, value) in zip(0...UInt16.max, values) {
        let expected = Float(Float16(bitPattern: bits))
        if expected.isNaN {
          #expect(value.isNaN && value.sign == expected.sign)
        } else {
          #expect(value.bitPattern == expected.bitPattern)
        }
      }
    #endif
  }

  @Test func requiresRowSizes() throws {
    let reader = try Streams.reader(Self.two)
    try reader.require(rowSize: 3)
    let error = #expect(throws: StreamError.self) { try reader.require(rowSize: 784) }
    #expect(error?.description == "x.npy: row 0: expected 784 values, got 3")
  }
}

extension Streams {
  fileprivate static func floats(_ bytes: ArraySlice<UInt8>) throws -> [Float] {
    try floats(Array(bytes))
  }
}
