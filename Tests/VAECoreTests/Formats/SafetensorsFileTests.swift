import Testing
import VAECore

struct SafetensorsFileTests {
  @Test(arguments: [1, 7, Int.max]) func readsWhatPythonWrites(_ pieceSize: Int) throws {
    let file = try Safetensors.read(Streams.golden("python.safetensors"), pieceSize: pieceSize)
    #expect(
      Set(file.entries.map(\.name))
        == ["encoder.0.weight", "encoder.0.bias", "empty", "scalar", "steps", "half"])
    #expect(try file.floats("encoder.0.weight", shape: [2, 3]) == [0, 0.25, 0.5, 0.75, 1, 1.25])
    #expect(try file.floats("encoder.0.bias") == [-1.5, 2.5])
    #expect(try file.floats("empty", shape: [0, 4]) == [])
    #expect(try file.floats("scalar", shape: []) == [3])
    #expect(file.entry("steps")?.dtype == "I64")
    #expect(file.entry("half")?.shape == [4])
    #expect(file.entry("none") == nil)
    #expect(
      file.metadata == ["format": "pt", "vae-tools.config": "{\"path\":\"a/b\",\"\u{3b2}\":1}"])
  }

  @Test func readsFiles() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write(Streams.golden("python.safetensors"), to: folder + "/m")
      #expect(try SafetensorsFile(path: folder + "/m").entries.count == 6)
      let error = #expect(throws: StreamError.self) { try SafetensorsFile(path: folder + "/n") }
      #expect(error?.kind == .noInput)
    }
  }

  @Test func acceptsPaddingAndNothing() throws {
    #expect(try Safetensors.read(Safetensors.file("{}")).entries.isEmpty)
    #expect(try Safetensors.read(Safetensors.file("{}      ")).entries.isEmpty)
    let padded = Safetensors.file("{\(Safetensors.entry("a", "[1]", 0, 4))}    ", data: 4)
    #expect(try Safetensors.read(padded).floats("a") == [0])
  }

  @Test func readsNamesWithEscapes() throws {
    let file = Safetensors.file("{\(Safetensors.entry("a\\u002f\\\"b", "[1]", 0, 4))}", data: 4)
    #expect(try Safetensors.read(file).entries.map(\.name) == ["a/\"b"])
  }

  @Test func knowsEveryType() throws {
    let bits = [
      "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8,
      "F8_E4M3": 8, "F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32,
      "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
    ]
    for (type, bits) in bits {
      let entry = Safetensors.entry("a", dtype: type, "[4, 2]", 0, bits)
      let file = try Safetensors.read(Safetensors.file("{\(entry)}", data: bits))
      #expect(file.entry("a")?.dtype == type)
      if type != "F32" {
        #expect(throws: SafetensorsError.notFloat(name: "m.vae", tensor: "a", got: type)) {
          try file.floats("a")
        }
      }
    }
  }

  @Test func saysWhatATensorLacks() throws {
    let file = try Safetensors.read(
      Safetensors.file("{\(Safetensors.entry("a", "[2]", 0, 8))}", data: 4)
        + [0, 0, 0x80, 0x7f])
    #expect(throws: SafetensorsError.missing(name: "m.vae", tensor: "b")) { try file.floats("b") }
    #expect(
      throws: SafetensorsError.wrongShape(name: "m.vae", tensor: "a", expected: [2, 1], got: [2])
    ) { try file.floats("a", shape: [2, 1]) }
    let error = #expect(throws: SafetensorsError.self) { try file.floats("a") }
    #expect(error?.kind == .badData)
    #expect(error?.description == "m.vae: 'a': element 1 is inf, expected finite weights")
    #expect(try file.floats("a", finite: false) == [0, .infinity])
  }
}
