import FoundationEssentials

/// A dictionary for sparse codes: k atoms of d values, and the options it was learned with.
///
/// A learned dictionary's atoms have norm 1. The file is safetensors of kind `dictionary` with one
/// tensor, `atoms` [k, d]; see vae-model(5).
public struct SparseDictionary: Sendable, Equatable {
  public static let kind = "dictionary"

  /// The number of atoms, k.
  public let count: Int
  /// Values an atom, d.
  public let width: Int
  /// The shape of the rows it stands for, whose product is `width`.
  public let rowShape: [Int]
  /// Row-major, k × d.
  public let atoms: [Float]
  public var options: SparseOptions

  /// - Parameter source: what messages call it.
  /// - Throws: `SparseError` unless `atoms` are `rowShape`-sized, at least one, and finite.
  public init(
    atoms: [Float], rowShape: [Int], options: SparseOptions, source: String = "dictionary"
  ) throws {
    guard let width = try? Shape(rowShape).count, width > 0, !atoms.isEmpty,
      atoms.count % width == 0
    else {
      throw SparseError.badDictionary(
        source: source, "\(atoms.count) values are no atoms of shape \(rowShape)")
    }
    guard atoms.allSatisfy(\.isFinite) else {
      throw SparseError.badDictionary(source: source, "an atom is not finite")
    }
    try options.validate()
    self.atoms = atoms
    self.rowShape = rowShape
    self.width = width
    self.count = atoms.count / width
    self.options = options
  }

  /// Reads a dictionary file.
  ///
  /// - Throws: `SafetensorsError`, `SparseError`.
  public init(_ source: ByteSource) throws {
    let file = try SafetensorsFile(source)
    let kind = file.metadata["vae-tools.kind"]
    guard kind == Self.kind else {
      throw SparseError.notADictionary(source: file.name, kind: kind)
    }
    guard
      let configuration = try? JSONDecoder().decode(
        Configuration.self, from: Data((file.metadata["vae-tools.config"] ?? "").utf8))
    else {
      throw SparseError.badDictionary(
        source: file.name, "vae-tools.config is not the configuration of a dictionary")
    }
    if let stranger = file.entries.first(where: { $0.name != "atoms" }) {
      throw SparseError.badDictionary(
        source: file.name, "a dictionary has no tensor \(stranger.name)")
    }
    let atoms = try file.floats("atoms")
    guard let shape = file.entry("atoms")?.shape, shape.count == 2,
      shape[1] == (try? Shape(configuration.rowShape).count)
    else {
      throw SparseError.badDictionary(
        source: file.name, "atoms must have shape [k, \(configuration.rowShape)]")
    }
    do {
      try self.init(
        atoms: atoms, rowShape: configuration.rowShape, options: configuration.options,
        source: file.name)
    } catch SparseError.badOption(let what) {
      throw SparseError.badDictionary(source: file.name, what)
    }
  }

  /// Writes the file; the sink is the caller's to finish. The same dictionary gives the same bytes.
  ///
  /// - Parameter training: how it was learned, for `vae-tools.training`.
  public func write(to sink: ByteSink, training: DictionaryRecord? = nil) throws {
    var metadata = [
      "format": "pt",
      "vae-tools.kind": Self.kind,
      "vae-tools.version": Release.version,
      "vae-tools.config": try sortedJSON(Configuration(rowShape: rowShape, options: options)),
    ]
    if let training { metadata["vae-tools.training"] = try sortedJSON(training) }
    try SafetensorsWriter.write(
      [SafetensorsTensor(name: "atoms", shape: [count, width], values: atoms)],
      metadata: metadata, to: sink)
  }

  private struct Configuration: Codable {
    var rowShape: [Int]
    var options: SparseOptions

    enum CodingKeys: String, CodingKey {
      case rowShape = "row_shape"
      case options
    }
  }
}

/// How a dictionary was learned: what it takes to learn it again.
public struct DictionaryRecord: Codable, Sendable, Equatable {
  public var seed: UInt64
  public var rows: Int
  /// SHA-256 of the rows as they lie in memory.
  public var sha256: String
  public var epochs: Int
  public var batch: Int
  /// The mean objective over the last epoch.
  public var objective: Double
}
