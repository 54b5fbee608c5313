/// A safetensors file, read and checked as a whole.
///
/// The format is that of <https://github.com/huggingface/safetensors>: eight bytes of header
/// length, a JSON header, the data. Every rule of it is applied here; tensors of any type are
/// accepted, those of type `F32` can be taken out.
public final class SafetensorsFile: @unchecked Sendable {  // immutable once made
  /// One tensor of the file.
  public struct Entry: Sendable {
    public let name: String
    public let dtype: String
    public let shape: [Int]
    /// Where its bytes lie in the data.
    let range: Range<Int>
  }

  /// The longest header that is read, in bytes.
  static let maximumHeader = 100_000_000

  /// What messages call the file.
  public let name: String
  public let metadata: [String: String]
  /// In the order of their data.
  public let entries: [Entry]
  /// The header as it came, with its length before it.
  private let header: [UInt8]
  private let data: GrowableBuffer<UInt8>
  private let index: [String: Int]

  /// Reads the file at `path`.
  public convenience init(path: String) throws {
    try self.init(try ByteSource(path: path))
  }

  /// Reads `source` to its end. Memory grows with the bytes that arrive, not with the header.
  public init(_ source: ByteSource) throws {
    name = source.name
    let head = try source.peek(16)
    let prefix = try source.take(8)
    // What is no safetensors file at all seems to be one with an impossible header.
    func broken(_ error: SafetensorsError) -> SafetensorsError {
      guard let kind = kindOfFile(head), prefix.count == 8, head[4..<8] != [0, 0, 0, 0] else {
        return error
      }
      return .otherFormat(name: source.name, got: kind)
    }
    guard prefix.count == 8 else {
      throw broken(.tooShort(name: name, got: prefix.count))
    }
    let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    guard length <= Self.maximumHeader else {
      throw broken(.headerTooLong(name: name, length: length))
    }
    let text = try source.readGrowing(limit: Int(length))
    guard text.count == length else {
      throw SafetensorsError.headerEndsEarly(name: name, expected: Int(length), got: text.count)
    }
    guard text.bytes.first == UInt8(ascii: "{") else {
      throw SafetensorsError.notAnObject(name: name, got: Array(text.bytes.prefix(8)))
    }
    let decoded = try SafetensorsHeader.decode(text.bytes, name: name)
    metadata = decoded.metadata
    entries = try Self.check(decoded.tensors, name: name)
    header = prefix + text.bytes
    index = Dictionary(uniqueKeysWithValues: entries.enumerated().map { ($1.name, $0) })

    let size = entries.last?.range.upperBound ?? 0
    data = try source.readGrowing(limit: size)
    guard data.count == size else {
      throw SafetensorsError.endsEarly(name: name, expected: size, got: data.count)
    }
    guard try source.peek(1).isEmpty else {
      throw SafetensorsError.trailingBytes(name: name, expected: size)
    }
  }

  /// The size of the file in bytes.
  public var size: Int { header.count + data.count }

  /// SHA-256 of the file, in hexadecimal.
  public func sha256() -> String {
    var hash = SHA256()
    header.withUnsafeBytes { hash.update($0) }
    hash.update(UnsafeRawBufferPointer(data.bytes))
    return hash.finish()
  }

  /// The tensor called `tensor`, if there is one.
  public func entry(_ tensor: String) -> Entry? { index[tensor].map { entries[$0] } }

  /// The values of a tensor of type `F32`, row-major.
  ///
  /// - `shape`: the shape it must have, where given.
  /// - `finite`: an infinity or NaN among them is an error.
  public func floats(
    _ tensor: String, shape: [Int]? = nil, finite: Bool = true
  ) throws -> [Float] {
    guard let entry = entry(tensor) else {
      throw SafetensorsError.missing(name: name, tensor: tensor)
    }
    guard entry.dtype == "F32" else {
      throw SafetensorsError.notFloat(name: name, tensor: tensor, got: entry.dtype)
    }
    if let shape, shape != entry.shape {
      throw SafetensorsError.wrongShape(
        name: name, tensor: tensor, expected: shape, got: entry.shape)
    }
    let bytes = UnsafeRawBufferPointer(rebasing: data.bytes[entry.range])
    let values = [Float](unsafeUninitializedCapacity: bytes.count / 4) { values, count in
      UnsafeMutableRawBufferPointer(values).copyMemory(from: bytes)
      count = bytes.count / 4
    }
    if finite, let bad = values.firstIndex(where: { !$0.isFinite }) {
      throw SafetensorsError.notFinite(
        name: name, tensor: tensor, element: bad, value: "\(values[bad])")
    }
    return values
  }

  // MARK: Rules

  /// The tensors in the order of their data, which must lie one behind the other without a hole.
  private static func check(
    _ tensors: [String: SafetensorsHeader.Tensor], name: String
  ) throws -> [Entry] {
    let entries = try tensors.map { tensor, description in
      try check(tensor, description, name: name)
    }.sorted {
      // Empty tensors share their offset; the name makes their order definite.
      ($0.range.lowerBound, $0.range.upperBound, $0.name)
        < ($1.range.lowerBound, $1.range.upperBound, $1.name)
    }
    var end = 0
    for entry in entries {
      let start = entry.range.lowerBound
      if start > end {
        throw SafetensorsError.hole(name: name, tensor: entry.name, expected: end, got: start)
      }
      if start < end {
        throw SafetensorsError.overlap(name: name, tensor: entry.name, expected: end, got: start)
      }
      end = entry.range.upperBound
    }
    return entries
  }

  private static func check(
    _ tensor: String, _ description: SafetensorsHeader.Tensor, name: String
  ) throws -> Entry {
    guard let bits = bitsOfType[description.dtype] else {
      throw SafetensorsError.unknownType(name: name, tensor: tensor, got: description.dtype)
    }
    let offsets = description.offsets
    guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
      throw SafetensorsError.badOffsets(name: name, tensor: tensor, got: offsets)
    }
    let count: Int
    do {
      count = try Shape(description.shape).count
    } catch {
      throw SafetensorsError.badShape(name: name, tensor: tensor, error)
    }
    let (size, overflow) = count.multipliedReportingOverflow(by: bits)
    guard !overflow else {
      throw SafetensorsError.badShape(name: name, tensor: tensor, .overflow(description.shape))
    }
    guard size % 8 == 0 else { throw SafetensorsError.partialByte(name: name, tensor: tensor) }
    guard offsets[1] - offsets[0] == size / 8 else {
      throw SafetensorsError.wrongSize(
        name: name, tensor: tensor, expected: size / 8, got: offsets[1] - offsets[0])
    }
    return Entry(
      name: tensor, dtype: description.dtype, shape: description.shape,
      range: offsets[0]..<offsets[1])
  }

  private static let bitsOfType = [
    "BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16,
    "I32": 32, "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
  ]
}

extension GrowableBuffer<UInt8> {
  fileprivate var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base, count: count)
  }
}
