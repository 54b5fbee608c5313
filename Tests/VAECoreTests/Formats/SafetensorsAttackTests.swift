import Testing
import VAECore

/// One test a rule of the format.
struct SafetensorsAttackTests {
  static let a = Safetensors.entry("a", "[1]", 0, 4)

  private func expect(
    _ error: SafetensorsError, _ file: [UInt8],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(throws: error, sourceLocation: sourceLocation) { try Safetensors.read(file) }
    #expect(error.kind == .badData)
  }

  @Test func filesShorterThanTheLength() {
    for count in 0..<8 {
      expect(.tooShort(name: "m.vae", got: count), [UInt8](repeating: 0, count: count))
    }
  }

  @Test func headersTooLong() {
    for length in [100_000_001, 1 << 63, UInt64.max] {
      expect(.headerTooLong(name: "m.vae", length: length), Safetensors.file("{}", length: length))
    }
  }

  @Test func headersBeyondTheFile() {
    expect(
      .headerEndsEarly(name: "m.vae", expected: 100_000_000, got: 2),
      Safetensors.file("{}", length: 100_000_000))
  }

  @Test func headersThatAreNoObject() {
    for header in ["", " {}", "[]", "\"a\"", "1", "\u{feff}{}"] {
      expect(
        .notAnObject(name: "m.vae", got: Array(header.utf8.prefix(8))), Safetensors.file(header))
    }
  }

  @Test(arguments: [
    "{", "{}x", "{} {}", "{}\0", "{\(a)", "{\(a),}", "{\(a)}}", "{/**/\(a)}", "{'a':1}", "{a:1}",
    "{\(Safetensors.entry("a", "[1,]", 0, 4))}", "{\"__metadata__\":{\"a\":\"\n\"}}",
    "{\"__metadata__\":{\"a\":\"\\ud800\"}}",
  ])
  func headersThatAreNotJSON(_ header: String) {
    expect(
      .badHeader(name: "m.vae", detail: "not valid JSON"), Safetensors.file(header, data: 4))
  }

  @Test func headersThatAreNotUTF8() {
    var header = Array("{\(Self.a)}".utf8)
    header[2] = 0xff
    expect(
      .badHeader(name: "m.vae", detail: "not valid JSON"),
      Safetensors.file(bytes: header, data: 4))
  }

  @Test func headersNestedDeeply() {
    for open in ["[", "{\"a\":"] {
      let header = "{\"a\":" + String(repeating: open, count: 200_000)
      expect(.badHeader(name: "m.vae", detail: "not valid JSON"), Safetensors.file(header))
    }
  }

  @Test func namesThatComeTwice() {
    let again = Safetensors.entry("\\u0061", "[1]", 0, 4)
    for (header, key) in [
      ("{\(Self.a),\(Self.a)}", "a"), ("{\(Self.a),\(again)}", "a"),
      ("{\"__metadata__\":{},\(Self.a),\"__metadata__\":{}}", "__metadata__"),
      ("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"},\(Self.a)}", "k"),
      ("{\"a\":{\"shape\":[1],\"dtype\":\"F32\",\"data_offsets\":[0,4],\"shape\":[1]}}", "shape"),
    ] {
      expect(.duplicateName(name: "m.vae", key: key), Safetensors.file(header, data: 4))
    }
  }

  @Test(arguments: [
    ("{\"a\":1}", "expected an object in 'a'"),
    ("{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", "no 'dtype' in 'a'"),
    ("{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", "no 'shape' in 'a'"),
    ("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", "no 'data_offsets' in 'a'"),
    ("{\(Safetensors.entry("a", "1", 0, 4))}", "expected a list in 'a', 'shape'"),
    ("{\(Safetensors.entry("a", "[true]", 0, 4))}", "expected a whole number in 'a', 'shape'"),
    ("{\(Safetensors.entry("a", "[\"1\"]", 0, 4))}", "expected a whole number in 'a', 'shape'"),
    ("{\(Safetensors.entry("a", "[1.0]", 0, 4))}", "expected whole numbers only"),
    ("{\(Safetensors.entry("a", "[1e0]", 0, 4))}", "expected whole numbers only"),
    ("{\"__metadata__\":{\"k\":1}}", "expected a string in '__metadata__', 'k'"),
    ("{\"__metadata__\":null}", "expected an object in '__metadata__'"),
  ])
  func headersOfTheWrongForm(_ header: String, detail: String) {
    expect(.badHeader(name: "m.vae", detail: detail), Safetensors.file(header, data: 4))
  }

  @Test func typesThatAreUnknown() {
    for type in ["F33", "f32", "", "O"] {
      expect(
        .unknownType(name: "m.vae", tensor: "a", got: type),
        Safetensors.file("{\(Safetensors.entry("a", dtype: type, "[1]", 0, 4))}", data: 4))
    }
  }

  @Test func shapesThatAreNone() {
    let overflow = Array(repeating: 1 << 32, count: 3)
    for shape in [overflow, [1 << 60], [-1], [0] + overflow] {
      let error: ShapeError = shape == [-1] ? .negative(shape) : .overflow(shape)
      expect(
        .badShape(name: "m.vae", tensor: "a", error),
        Safetensors.file("{\(Safetensors.entry("a", "\(shape)", 0, 4))}", data: 4))
    }
  }

  @Test func offsetsThatAreNone() {
    for offsets in [[4, 0], [-4, 0], [], [0], [0, 4, 8]] {
      let header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":\(offsets)}}"
      expect(
        .badOffsets(name: "m.vae", tensor: "a", got: offsets), Safetensors.file(header, data: 8))
    }
  }

  @Test func sizesThatDoNotMatch() {
    for (end, shape) in [(0, "[1]"), (3, "[1]"), (8, "[1]"), (.max, "[1]"), (4, "[0]"), (4, "[2]")]
    {
      let expected = shape == "[0]" ? 0 : shape == "[1]" ? 4 : 8
      expect(
        .wrongSize(name: "m.vae", tensor: "a", expected: expected, got: end),
        Safetensors.file("{\(Safetensors.entry("a", shape, 0, end))}", data: 8))
    }
  }

  @Test func partsOfBytes() {
    expect(
      .partialByte(name: "m.vae", tensor: "a"),
      Safetensors.file("{\(Safetensors.entry("a", dtype: "F4", "[3]", 0, 2))}", data: 2))
  }

  @Test func holes() {
    let b = Safetensors.entry("b", "[1]", 8, 12)
    expect(
      .hole(name: "m.vae", tensor: "b", expected: 4, got: 8),
      Safetensors.file("{\(Self.a),\(b)}", data: 12))
    expect(
      .hole(name: "m.vae", tensor: "b", expected: 0, got: 8), Safetensors.file("{\(b)}", data: 12))
  }

  @Test func overlaps() {
    let whole = Safetensors.entry("b", "[2]", 0, 8)
    expect(
      .overlap(name: "m.vae", tensor: "b", expected: 4, got: 0),
      Safetensors.file("{\(Self.a),\(whole)}", data: 8))
    let shifted = Safetensors.entry("b", "[1]", 3, 7)
    expect(
      .overlap(name: "m.vae", tensor: "b", expected: 4, got: 3),
      Safetensors.file("{\(Self.a),\(shifted)}", data: 8))
  }

  @Test func dataThatEndsEarly() {
    expect(
      .endsEarly(name: "m.vae", expected: 4, got: 3), Safetensors.file("{\(Self.a)}", data: 3))
    let huge = Safetensors.entry("a", "[1000000000000]", 0, 4_000_000_000_000)
    expect(
      .endsEarly(name: "m.vae", expected: 4_000_000_000_000, got: 3),
      Safetensors.file("{\(huge)}", data: 3))
  }

  @Test func dataThatGoesOn() {
    expect(.trailingBytes(name: "m.vae", expected: 4), Safetensors.file("{\(Self.a)}", data: 5))
    expect(.trailingBytes(name: "m.vae", expected: 0), Safetensors.file("{}", data: 1))
  }

  @Test func cutsAndFlipsNeverTrap() throws {
    let file = try Streams.golden("python.safetensors")
    for cut in 0..<file.count {
      #expect(throws: SafetensorsError.self, "cut at \(cut)") {
        try Safetensors.read(Array(file[..<cut]))
      }
    }
    for place in file.indices {
      for value in (0..<8).map({ file[place] ^ 1 << $0 }) + [0, 255] + Array("\"{}[],:9".utf8) {
        var flipped = file
        flipped[place] = value
        do {
          for entry in try Safetensors.read(flipped).entries where entry.dtype == "F32" {
            #expect(!entry.name.isEmpty)
          }
        } catch {
          #expect(error is SafetensorsError, "byte \(place)")
        }
      }
    }
  }

  @Test func messagesQuoteWhatAFileSays() {
    let error = SafetensorsError.hole(name: "m.vae", tensor: "a\u{1b}[2J", expected: 0, got: 4)
    #expect(
      error.description == "m.vae: 'a\\x1b[2J': data starts at 4 and leaves a hole from 0")
  }
}
