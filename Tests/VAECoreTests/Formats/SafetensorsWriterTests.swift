import Testing
import VAECore

struct SafetensorsWriterTests {
  static let tensors = [
    SafetensorsTensor(name: "b.weight", shape: [2, 3], values: [0, 1, 2, 3, 4, 5]),
    SafetensorsTensor(name: "b.bias", shape: [2], values: [-1, 1e-40]),
    SafetensorsTensor(name: "a/\"é", shape: [], values: [7]),
    SafetensorsTensor(name: "none", shape: [0, 4], values: []),
  ]
  static let metadata = ["format": "pt", "config": "{\"path\":\"a/b\"}", "é": "\u{1}"]

  private func written() throws -> [UInt8] {
    try Streams.written {
      try SafetensorsWriter.write(Self.tensors, metadata: Self.metadata, to: $0)
    }
  }

  @Test func readsBack() throws {
    let file = try Safetensors.read(written())
    #expect(file.metadata == Self.metadata)
    #expect(file.entries.count == Self.tensors.count)
    for tensor in Self.tensors {
      #expect(try file.floats(tensor.name, shape: tensor.shape) == tensor.values)
    }
    // The data lies in the order given.
    let names = file.entries.map(\.name).filter { $0 != "none" }
    #expect(names == ["b.weight", "b.bias", "a/\"é"])
  }

  @Test func writesSortedAndPadded() throws {
    let bytes = try Streams.written {
      try SafetensorsWriter.write(
        [
          SafetensorsTensor(name: "b", shape: [1], values: [1]),
          SafetensorsTensor(name: "a", shape: [1, 1], values: [2]),
        ], metadata: ["y": "/", "x": ""], to: $0)
    }
    let header =
      "{\"__metadata__\":{\"x\":\"\",\"y\":\"/\"},"
      + "\"a\":{\"data_offsets\":[4,8],\"dtype\":\"F32\",\"shape\":[1,1]},"
      + "\"b\":{\"data_offsets\":[0,4],\"dtype\":\"F32\",\"shape\":[1]}}"
    let length = (header.utf8.count + 7) / 8 * 8
    let padding = String(repeating: " ", count: length - header.utf8.count)
    #expect(bytes == Safetensors.file(header + padding) + Streams.bytes([1, 2]))
  }

  @Test func writesTheSameBytesAgain() throws {
    let first = try written()
    for _ in 0..<5 { #expect(try written() == first) }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesWeightsThatAreNotFinite(_ value: Float) throws {
    let tensor = SafetensorsTensor(name: "w", shape: [2], values: [0, value])
    #expect(throws: SafetensorsError.self) {
      try Streams.written { try SafetensorsWriter.write([tensor], to: $0) }
    }
  }
}
