import Testing
import VAECore

struct SparseDictionaryTests {
  private func dictionary() throws -> SparseDictionary {
    let problem = SparseProblem(rows: 1, atoms: 5, width: 6)
    var options = SparseOptions(lambda: 0.25, solver: .cd)
    options.nonnegative = true
    options.maximumIterations = 77
    return try SparseDictionary(atoms: problem.dictionary, rowShape: [2, 3], options: options)
  }

  @Test func readsWhatItWrites() throws {
    let dictionary = try dictionary()
    let bytes = try Streams.written { try dictionary.write(to: $0) }
    #expect(try SparseDictionary(ByteSource(bytes: bytes, name: "d")) == dictionary)
    #expect(try Streams.written { try dictionary.write(to: $0) } == bytes)
  }

  private func file(
    kind: String? = "dictionary", config: String? = nil, tensors: [SafetensorsTensor]
  ) throws -> [UInt8] {
    var metadata = ["vae-tools.config": config ?? Self.config]
    metadata["vae-tools.kind"] = kind
    return try Streams.written {
      try SafetensorsWriter.write(tensors, metadata: metadata, to: $0)
    }
  }

  private static let config = """
    {"row_shape": [3], "options": {"lambda": 0.1, "nonnegative": false, "solver": "homotopy", \
    "tol": 1e-5}}
    """
  private static let atoms = SafetensorsTensor(
    name: "atoms", shape: [2, 3], values: [1, 0, 0, 0, 1, 0])

  @Test func readsAFileMadeByHand() throws {
    let bytes = try file(tensors: [Self.atoms])
    let read = try SparseDictionary(ByteSource(bytes: bytes, name: "d"))
    #expect(read.count == 2 && read.width == 3 && read.options.lambda == 0.1)
    // As version 0.1 called it.
    let earlier = Self.config.replacing("tol", with: "tolerance")
    #expect(
      try SparseDictionary(
        ByteSource(bytes: file(config: earlier, tensors: [Self.atoms]), name: "d")) == read)
  }

  @Test func refusesWhatIsNoDictionary() throws {
    func refuse(_ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(throws: SparseError.self, sourceLocation: sourceLocation) {
        try SparseDictionary(ByteSource(bytes: bytes, name: "d"))
      }
    }
    refuse(try file(kind: "vae", tensors: [Self.atoms]))
    refuse(try file(kind: nil, tensors: [Self.atoms]))
    refuse(try file(config: "{}", tensors: [Self.atoms]))
    refuse(
      try file(
        config: Self.config.replacing("[3]", with: "[4]"), tensors: [Self.atoms]))
    refuse(
      try file(
        config: Self.config.replacing("[3]", with: "[-3]"), tensors: [Self.atoms]))
    refuse(
      try file(
        config: Self.config.replacing("0.1", with: "-0.1"), tensors: [Self.atoms]))
    refuse(
      try file(
        config: Self.config.replacing("homotopy", with: "magic"), tensors: [Self.atoms]))
    refuse(
      try file(tensors: [SafetensorsTensor(name: "atoms", shape: [6], values: Self.atoms.values)]))
    refuse(try file(tensors: [SafetensorsTensor(name: "atoms", shape: [0, 3], values: [])]))
    refuse(
      try file(tensors: [
        Self.atoms, SafetensorsTensor(name: "other", shape: [1], values: [1]),
      ]))
    #expect(throws: SafetensorsError.self) {
      try SparseDictionary(ByteSource(bytes: try file(tensors: []), name: "d"))
    }
  }

  @Test func refusesAtomsThatAreNotFinite() {
    for value in [Float.nan, .infinity] {
      #expect(throws: SparseError.self) {
        try SparseDictionary(
          atoms: [1, value], rowShape: [2], options: SparseOptions(lambda: 1))
      }
    }
  }
}
