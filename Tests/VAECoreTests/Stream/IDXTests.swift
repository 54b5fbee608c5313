import Testing
import VAECore

struct IDXTests {
  @Test func readsEachType() throws {
    let files: [(UInt8, [UInt8], [Float])] = [
      (0x08, [0, 51, 255], [0, 0.2, 1]),
      (0x09, [0, 0x80, 0xff], [0, -128, -1]),
      (0x0b, [0, 1, 1, 0, 0xff, 0xfe], [1, 256, -2]),
      (0x0c, [0, 0, 0, 1, 0, 1, 0, 0, 0xff, 0xff, 0xff, 0xfe], [1, 65536, -2]),
      (0x0d, [0x3f, 0x80, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0], [1, -2, 0]),
      (
        0x0e, [0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 0xc0] + Array(repeating: 0, count: 15), [1, -2, 0]
      ),
    ]
    for (type, data, values) in files {
      #expect(try Streams.floats(Streams.idx(type: type, [3], data: data)) == values)
    }
  }

  @Test func readsShapes() throws {
    let file = Streams.idx(type: 8, [2, 3, 1], data: [1, 2, 3, 4, 5, 6])
    let reader = try Streams.reader(file)
    #expect(reader.declaredRows == 2)
    #expect(reader.rowShape == [3, 1])
    #expect(reader.elementType == .u1)
    #expect(try Streams.floats(file, scaleBytes: false) == [1, 2, 3, 4, 5, 6])
    #expect(try Streams.floats(Gzip.member(file), scaleBytes: false) == [1, 2, 3, 4, 5, 6])
  }

  @Test func continuesAnArray() throws {
    let npy = Streams.npy("|u1", "(1, 2)", data: [1, 2])
    let idx = Streams.idx(type: 8, [1, 2], data: [3, 4])
    #expect(try Streams.floats(npy + idx + npy, scaleBytes: false) == [1, 2, 3, 4, 1, 2])
  }

  @Test func refusesWhatIsNone() {
    let overflow = Array(repeating: 0xffff_ffff, count: 255) as [UInt32]
    for (file, error) in [
      (
        Streams.idx(type: 7, [1], data: [1]),
        StreamError.notATensor(name: "x.npy", row: 0, byte: 0, got: [0, 0, 7, 1, 0, 0, 0, 1, 1])
      ),
      (Streams.idx(type: 8, [], data: [1]), .noRows(name: "x.npy")),
      (Streams.idx(type: 8, [2, 0], data: []), .emptyRows(name: "x.npy", shape: [2, 0])),
      (
        Array(Streams.idx(type: 8, [2, 2], data: []).dropLast()),
        .headerEndsEarly(name: "x.npy", expected: 12, got: 11)
      ),
      (
        Streams.idx(type: 8, overflow, data: []),
        .badShape(name: "x.npy", .tooManyAxes(overflow.map(Int.init)))
      ),
    ] {
      #expect(throws: error) { try Streams.floats(file) }
    }
  }

  @Test func noticesEveryCut() {
    let file = Streams.idx(type: 8, [2, 3], data: [1, 2, 3, 4, 5, 6])
    for cut in 0..<file.count {
      let error = #expect(throws: StreamError.self, "cut at \(cut)") {
        try Streams.floats(Array(file[..<cut]))
      }
      #expect(error?.kind == .badData)
    }
  }
}
