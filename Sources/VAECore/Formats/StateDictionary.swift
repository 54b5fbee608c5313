/// The tensors of a PyTorch module by their names: a safetensors file, or a file by `torch.save`, of
/// which nothing is run.
package final class StateDictionary {
  /// What messages call the file.
  package let name: String
  /// SHA-256 of the file, in hexadecimal.
  package let sha256: String
  /// The shape of each tensor, by name.
  package private(set) var shapes: [String: [Int]] = [:]
  private let take: (String) throws -> [Float]

  /// Reads the file, which is told by its first bytes.
  /// - Throws: `SafetensorsError`, `ZipError`, `PickleError`, and what the source throws.
  package init(_ source: ByteSource) throws {
    name = source.name
    guard try source.peek(4) != ZipArchive.mark else {
      let file = try TorchFile(source)
      sha256 = file.sha256
      take = file.floats
      shapes = file.tensors.mapValues(\.shape)
      return
    }
    let head = try source.peek(2)
    if head.first == 0x80, head.last.map({ 2...5 ~= $0 }) == true {
      throw PickleError(
        "\(name): a bare pickle, as PyTorch before 1.6 saved it; load it there and save it anew")
    }
    let file = try SafetensorsFile(source)
    sha256 = file.sha256()
    take = { try file.floats($0) }
    for entry in file.entries { shapes[entry.name] = entry.shape }
  }

  /// The values of a tensor of 32-bit floats, which must be finite.
  package func floats(_ tensor: String) throws -> [Float] { try take(tensor) }
}

/// A state dictionary as `torch.save` writes it: a zip archive of `data.pkl`, a pickle that says which
/// tensors there are, and `data/0` and so on, their values.
private final class TorchFile {
  let name: String
  let sha256: String
  /// By name; the dictionaries that a dictionary holds are joined to it by dots.
  private(set) var tensors: [String: TorchTensor] = [:]
  private let archive: ZipArchive
  private let folder: String
  /// Dictionaries and values looked at, of which a pickle may refer to few very often.
  private var visits = 0

  init(_ source: ByteSource) throws {
    archive = try ZipArchive(source)
    name = source.name
    sha256 = archive.sha256()
    guard let pickle = archive.names.first(where: { $0.hasSuffix("/data.pkl") }) else {
      throw ZipError(name, "the zip archive has no data.pkl: not what torch.save writes")
    }
    folder = String(pickle.dropLast("data.pkl".count))
    if archive.contains(folder + "byteorder"),
      !(try archive.bytes(folder + "byteorder")).elementsEqual("little".utf8)
    {
      throw ZipError(name, "its numbers are big-endian; save it on another machine")
    }
    try PickleReader.read(try archive.bytes(pickle), name: name) {
      try collect($0, prefix: "", depth: 0)
    }
    // Tensors may share a storage. What all of them take together is bounded all the same.
    let bytes = tensors.values.reduce(0.0) { $0 + $1.shape.reduce(4.0) { $0 * Double($1) } }
    guard bytes <= Double(archive.size) else {
      throw PickleError("\(name): the tensors would be larger than the file")
    }
  }

  private func collect(_ value: PickleValue, prefix: String, depth: Int) throws {
    visits += 1
    guard depth < 16, visits < 1 << 20 else {
      throw PickleError("\(name): dictionaries within dictionaries without end")
    }
    switch value {
    case .tensor(let tensor):
      try check(tensor, prefix)
      guard tensors.updateValue(tensor, forKey: prefix) == nil else {
        throw PickleError("\(name): \(String.quoting(prefix.utf8)) is there twice")
      }
    case .dictionary(let items):
      for index in stride(from: 0, to: items.values.count, by: 2) {
        let key: String
        switch items.values[index] {
        case .string(let text): key = text
        case .integer(let number): key = "\(number)"
        default: continue
        }
        try collect(
          items.values[index + 1], prefix: prefix.isEmpty ? key : "\(prefix).\(key)",
          depth: depth + 1)
      }
    default: break  // the number of an epoch, say
    }
  }

  /// A tensor must lie in row order within a storage that has the size its pickle says.
  private func check(_ tensor: TorchTensor, _ what: String) throws {
    func failure(_ words: String) -> PickleError {
      PickleError("\(name): \(String.quoting(what.utf8)): \(words)")
    }
    let count: Int
    do { count = try Shape(tensor.shape).count } catch { throw failure("\(error)") }
    guard tensor.offset >= 0, tensor.storage.count - tensor.offset >= count else {
      throw failure("expected \(count) values, got a storage of \(tensor.storage.count)")
    }
    var expected = 1
    for (side, stride) in zip(tensor.shape, tensor.strides).reversed() {
      guard side < 2 || stride == expected || count == 0 else {
        throw failure("the tensor is not in row order; save tensor.contiguous()")
      }
      expected *= max(side, 1)
    }
  }

  func floats(_ what: String) throws -> [Float] {
    guard let tensor = tensors[what] else {
      throw SafetensorsError.missing(name: name, tensor: what)
    }
    guard tensor.storage.type == "FloatStorage" else {
      throw SafetensorsError.notFloat(name: name, tensor: what, got: tensor.storage.type)
    }
    let bytes = try archive.bytes("\(folder)data/\(tensor.storage.key)")
    guard bytes.count % 4 == 0, bytes.count / 4 == tensor.storage.count else {
      throw SafetensorsError.wrongSize(
        name: name, tensor: what,
        expected: tensor.storage.count.multipliedReportingOverflow(by: 4).0,
        got: bytes.count)
    }
    let count = tensor.shape.reduce(1, *)
    let values = (0..<count).map {
      Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(
            fromByteOffset: (tensor.offset + $0) * 4, as: UInt32.self)))
    }
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw SafetensorsError.notFinite(
        name: name, tensor: what, element: bad, value: "\(values[bad])")
    }
    return values
  }
}
