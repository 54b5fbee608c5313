import Testing
import VAECore

struct CSVTests {
  private func text(_ stream: [UInt8], _ format: CSVFormat = CSVFormat()) throws -> String {
    let reader = try Streams.reader(stream)
    let bytes = try Streams.written { try writeCSV(reader, format: format, to: $0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func read(
    _ text: String, delimiter: Character = ",", header: Bool = false, type: ElementType = .f4,
    shape: [Int]? = nil
  ) throws -> [UInt8] {
    var format = CSVFormat()
    format.delimiter = try #require(delimiter.asciiValue)
    format.header = header
    let source = ByteSource(bytes: Array(text.utf8), name: "x.csv", pieceSize: 7)
    return try Streams.written {
      try readCSV(source, format: format, type: type, rowShape: shape, to: $0)
    }
  }

  private func floats(_ text: String, delimiter: Character = ",") throws -> [Float] {
    try Streams.floats(try read(text, delimiter: delimiter), finite: false)
  }

  @Test func rowsAreLines() throws {
    let values: [Float] = [1, -0.0, 0.1, 1e-5, .nan, -.infinity]
    let stream = Streams.rows(values, shape: "(2, 3)")
    #expect(try text(stream) == "1,-0,0.1\n1e-05,nan,-inf\n")
    var format = CSVFormat()
    format.delimiter = UInt8(ascii: "\t")
    format.header = true
    #expect(try text(stream, format) == "x0\tx1\tx2\n1\t-0\t0.1\n1e-05\tnan\t-inf\n")
    #expect(try text(Streams.npy("|u1", "(2,)", data: [0, 255])) == "0\n255\n")
    #expect(try text(Streams.npy("|u1", "(0, 2)")) == "")
  }

  /// Wider types keep what f4 could not hold.
  @Test func decimalsAreThoseOfTheType() throws {
    #expect(try text(Streams.npy("<i4", "(1,)", data: [1, 0, 0, 0x7f])) == "2130706433\n")
    let bytes = withUnsafeBytes(of: (0.1).bitPattern.littleEndian) { Array($0) }
    #expect(try text(Streams.npy("<f8", "(1,)", data: bytes)) == "0.1\n")
  }

  @Test func everyFloatComesBack() throws {
    // Each exponent, with some fractions.
    let values = (0..<510).flatMap { exponent in
      [0, 1, 0x55_5555, 0x7f_ffff].map { Float(bitPattern: UInt32(exponent) << 23 | $0) }
    }.filter(\.isFinite)
    let stream = Streams.rows(values, shape: "(\(values.count / 4), 4)")
    let back = try read(try text(stream))
    #expect(Array(back.suffix(values.count * 4)) == Streams.bytes(values))
  }

  @Test func textMayBeLenient() throws {
    #expect(try floats("1,2\n3,4") == [1, 2, 3, 4])
    let text = "\u{feff}# by hand\r\n\r\n 1 ,\"2\"\r\n+3.5e0,-inf\r\n\r\n"
    #expect(try floats(text) == [1, 2, 3.5, -.infinity])
    #expect(try floats("  1   2\t3\n4 5 6 \n", delimiter: " ") == [1, 2, 3, 4, 5, 6])
    #expect(try floats("1\t2\n", delimiter: "\t") == [1, 2])
  }

  @Test func shapeAndTypeAreAsAsked() throws {
    let stream = try read("x0,x1\n1,255\n", header: true, type: .u1, shape: [1, 2])
    let reader = try Streams.reader(stream)
    #expect(reader.elementType == .u1 && reader.rowShape == [1, 2] && reader.declaredRows == 1)
    #expect(try Streams.reader(try read("", shape: [2])).declaredRows == 0)
    #expect(try Streams.reader(try read("1\n2\n")).rowShape == [])
    #expect(try Streams.reader(try read("1\n2\n", shape: [1])).rowShape == [1])
  }

  @Test func whatIsWrongIsNamed() throws {
    let cases: [(String, ElementType, CSVError)] = [
      ("1,2\n3,x\n", .f4, .notANumber(name: "x.csv", line: 2, field: 2, got: "'x'")),
      ("1,\n", .f4, .notANumber(name: "x.csv", line: 1, field: 2, got: "''")),
      ("1 2\n", .f4, .notANumber(name: "x.csv", line: 1, field: 1, got: "'1 2'")),
      ("1e39\n", .f4, .pastRange(name: "x.csv", line: 1, field: 1, got: "'1e39'")),
      ("256\n", .u1, .notAByte(name: "x.csv", line: 1, field: 1, got: "'256'")),
      ("1,2\n3\n", .f4, .fieldCount(name: "x.csv", line: 2, expected: 2, got: 1)),
      ("1,2\n3,4,5\n", .f4, .fieldCount(name: "x.csv", line: 2, expected: 2, got: nil)),
      ("\n# nothing\n", .f4, .noRows(name: "x.csv")),
    ]
    for (text, type, error) in cases {
      #expect(throws: error) { try read(text, type: type) }
    }
    #expect(throws: CSVError.fieldTooLong(name: "x.csv", line: 1, field: 1)) {
      try read(String(repeating: "1", count: 5000))
    }
    #expect(throws: CSVError.fieldCount(name: "x.csv", line: 1, expected: 3, got: 2)) {
      try read("1,2\n", shape: [3])
    }
  }
}
