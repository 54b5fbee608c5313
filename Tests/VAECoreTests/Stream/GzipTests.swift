import Testing
import VAECore

struct GzipTests {
  static let content = Array("What is in here, and again: what is in here?".utf8)

  private func inflate(_ bytes: [UInt8], pieceSize: Int = .max) throws -> [UInt8] {
    try Streams.all(ByteSource(bytes: bytes, name: "x.gz", pieceSize: pieceSize))
  }

  @Test(arguments: [1, 2, 3, 7, Int.max])
  func undoesGzip(_ pieceSize: Int) throws {
    let member = Gzip.member(Self.content)
    #expect(try inflate(member, pieceSize: pieceSize) == Self.content)
    #expect(try inflate(member + member, pieceSize: pieceSize) == Self.content + Self.content)
    #expect(try inflate(Gzip.member([]), pieceSize: pieceSize) == [])
  }

  @Test func inflatesWhatGzipDeflates() throws {
    #expect(try Streams.floats(Streams.golden("rows.npy.gz")) == (0..<1000).map { Float($0 % 10) })
  }

  @Test func acceptsZeroPadding() throws {
    let padded = Gzip.member(Self.content) + Array(repeating: 0, count: 512)
    for pieceSize in [1, 100, Int.max] {
      #expect(try inflate(padded, pieceSize: pieceSize) == Self.content)
    }
    #expect(try inflate(padded + Gzip.member(Self.content)) == Self.content + Self.content)
  }

  @Test func refusesGarbageBehindTheLastMember() {
    #expect(
      throws: StreamError.gzipCorrupt(name: "x.gz", detail: "garbage after the last member")
    ) { try inflate(Gzip.member(Self.content) + [7]) }
  }

  @Test func noticesEveryCut() {
    let members = Gzip.member(Self.content) + Gzip.member(Self.content)
    for cut in 2..<members.count where cut != members.count / 2 {
      #expect(throws: StreamError.gzipEndsEarly(name: "x.gz"), "cut at \(cut)") {
        try inflate(Array(members[..<cut]))
      }
    }
  }

  @Test func noticesEveryFlip() {
    let member = Gzip.member(Self.content)
    // Date, flags and system may be anything; the first two bytes make it gzip at all.
    for place in Array(2..<3) + Array(10..<member.count) {
      var bytes = member
      bytes[place] ^= 1
      let error = #expect(throws: StreamError.self, "byte \(place)") { try inflate(bytes) }
      #expect(error?.kind == .badData)
    }
  }

  @Test func isNamedInTheMessage() {
    #expect(StreamError.gzipEndsEarly(name: "x.gz").description == "x.gz: gzip data ends early")
  }
}
