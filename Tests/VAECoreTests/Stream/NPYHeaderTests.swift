import Testing
import VAECore

/// Headers a reader must take, and those it must refuse.
struct NPYHeaderTests {
  static let data = Streams.bytes([1, 2])

  // MARK: As lenient as NumPy

  @Test(arguments: [
    "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }\n",
    "{'shape': (2, 1), 'fortran_order': False, 'descr': '<f4'}",
    "{\"descr\": \"<f4\", 'fortran_order': False, \"shape\": (2, 1,),}",
    "{'descr':'<f4','fortran_order':False,'shape':(2,1)}",
    " \t{ 'descr' :\n'<f4' , 'fortran_order' : False , 'shape' : ( 2 , 1 ) , } \n\n   ",
    "{'descr': '=f4', 'fortran_order': False, 'shape': (2, 1)}",
    "{'descr': 'f4', 'fortran_order': False, 'shape': (2, 1)}",
    "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 1)}",
    "({'descr': ('<f4'), 'fortran_order': False, 'shape': ((2), 1)})",
    "{'descr': '<f4', 'fortran_order': False, 'shape': (+2, 1)}",
  ])
  func accepts(_ header: String) throws {
    for version: UInt8 in 1...3 {
      let reader = try Streams.reader(
        Streams.npy(header: header, version: version, data: Self.data))
      #expect(reader.declaredRows == 2)
      #expect(reader.rowShape == [1])
      #expect(reader.elementType == .f4)
      #expect(
        try Streams.floats(Streams.npy(header: header, version: version, data: Self.data)) == [
          1, 2,
        ])
    }
  }

  @Test func acceptsPython2LongsInItsVersions() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 1L), }"
    for version: UInt8 in 1...2 {
      let file = Streams.npy(header: header, version: version, data: Self.data)
      #expect(try Streams.floats(file) == [1, 2])
    }
    #expect(throws: StreamError.self) {
      try Streams.reader(Streams.npy(header: header, version: 3, data: Self.data))
    }
  }

  @Test func acceptsHeadersUpTo64KiB() throws {
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }"
    let longest = header + String(repeating: " ", count: 65_536 - header.utf8.count)
    let file = Streams.npy(header: longest, version: 2, data: Self.data)
    #expect(try Streams.floats(file) == [1, 2])
    #expect(throws: StreamError.headerTooLong(name: "x.npy", length: 65_537)) {
      try Streams.reader(Streams.npy(header: longest + " ", version: 2, data: Self.data))
    }
  }

  // MARK: Refused

  private func refusal(_ file: [UInt8]) -> StreamError? {
    let error = #expect(throws: StreamError.self) { try Streams.reader(file) }
    #expect(error?.kind == .badData)
    return error
  }

  @Test(arguments: [
    ("{'descr': '<f4', 'fortran_order': False}", "the key 'shape' is missing"),
    ("{'fortran_order': False, 'shape': (2, 1)}", "the key 'descr' is missing"),
    ("{'descr': '<f4', 'shape': (2, 1)}", "the key 'fortran_order' is missing"),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), 'x': 1}",
      "expected the keys 'descr', 'fortran_order' and 'shape' only"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), 'shape': (2, 1)}",
      "the key 'shape' stands there twice"
    ),
    (
      "{'descr': '<f4', 'fortran_order': 0, 'shape': (2, 1)}",
      "expected True or False for 'fortran_order'"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
      "expected a tuple of whole numbers for 'shape'"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': [2, 1]}",
      "expected a tuple of whole numbers for 'shape'"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': ('2', 1)}",
      "expected a tuple of whole numbers for 'shape'"
    ),
    (
      "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 1)}",
      "'shape' has the dimension '99999999999999999999'"
    ),
    ("['descr', '<f4']", "expected a dictionary"),
  ])
  func refusesWrongContent(_ header: String, detail: String) {
    #expect(
      refusal(Streams.npy(header: header))
        == .badHeader(name: "x.npy", byte: 0, detail: detail))
  }

  @Test(arguments: [
    ("", 0, "expected a value, got the end"),
    ("{'descr'", 8, "expected ':', got the end"),
    ("{'descr': '<f4", 14, "expected a closing quote, got the end"),
    ("{'descr': '<f4' 'shape'", 16, "expected ',' or '}', got '\\''"),
    ("{'shape': (2, 1.5)}", 15, "expected ',' or ')', got '.'"),
    ("{'shape': (2, -)}", 15, "expected a digit, got ')'"),
    ("{'shape': (2, nan)}", 14, "expected a value, got 'n'"),
    ("{'descr': '\u{1b}[31m'}", 11, "expected plain text, got '\\x1b'"),
    ("{} {}", 3, "expected the end of the header, got '{'"),
    ("{}\0", 2, "expected the end of the header, got '\\x00'"),
    (
      String(repeating: "(", count: 60_000), 16, "expected fewer nested brackets, got '('"
    ),
  ])
  func refusesWrongGrammar(_ header: String, byte: Int, detail: String) {
    #expect(
      refusal(Streams.npy(header: header))
        == .badHeader(name: "x.npy", byte: 10 + byte, detail: detail))
  }

  @Test(arguments: ["|O", "<c8", "|S5", "<U3", "<M8[s]", "|V4", "<f16", "<u3", "float32", "", "<"])
  func refusesOtherTypes(_ type: String) {
    #expect(
      refusal(Streams.npy(type, "(2, 1)"))
        == .unsupportedType(name: "x.npy", descriptor: "'\(type)'"))
  }

  @Test func refusesStructures() {
    let header =
      "{'descr': [('a', '<f4'), ('b', '<i4', (2,))], 'fortran_order': False, 'shape': (2,)}"
    #expect(
      refusal(Streams.npy(header: header))
        == .unsupportedType(name: "x.npy", descriptor: "(a structure)"))
  }

  @Test func refusesShapesWithoutRowsToRead() {
    #expect(refusal(Streams.npy("<f4", "()")) == .noRows(name: "x.npy"))
    #expect(
      refusal(Streams.npy("<f4", "(1000000000000, 0)"))
        == .emptyRows(name: "x.npy", shape: [1_000_000_000_000, 0]))
    #expect(
      refusal(Streams.npy("<f4", "(-2, 1)")) == .badShape(name: "x.npy", .negative([-2, 1])))
  }

  @Test(arguments: [
    [1 << 32, 1 << 32, 1 << 32], [0, 1 << 32, 1 << 32], [1 << 62], [0, 1 << 62], [.max, 2],
  ])
  func refusesShapesThatOverflow(_ shape: [Int]) {
    let text = "(" + shape.map { "\($0)," }.joined() + ")"
    #expect(
      refusal(Streams.npy("<f4", text)) == .badShape(name: "x.npy", .overflow(shape)))
  }

  @Test(arguments: [(0, 0), (1, 1), (3, 1), (4, 0), (255, 255)] as [(UInt8, UInt8)])
  func refusesOtherVersions(_ major: UInt8, minor: UInt8) {
    var file = Streams.npy("<f4", "(2, 1)", data: Self.data)
    (file[6], file[7]) = (major, minor)
    #expect(refusal(file) == .unknownVersion(name: "x.npy", major: major, minor: minor))
  }

  @Test func claimsOfLengthAllocateNothing() {
    let file = Array(Streams.npy("<f4", "(2, 1)").prefix(6)) + [2, 0, 255, 255, 255, 255]
    #expect(refusal(file) == .headerTooLong(name: "x.npy", length: 1 << 32 - 1))
  }
}
