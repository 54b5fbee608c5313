import SystemPackage

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// All rows of a stream at once, for what must see them again and again: u1 as they are, any other
/// type as f4. They are held in memory or mapped from a file.
public final class RowStore: @unchecked Sendable {  // immutable once made
  /// What messages call the rows.
  public let name: String
  public let rows: Int
  public let rowShape: [Int]
  /// Values in a row.
  public let rowSize: Int
  /// The rows of a u1 stream, each standing for value/255; nil for any other.
  public let bytes: UnsafePointer<UInt8>?
  /// The rows of any stream but u1; nil for u1.
  public let floats: UnsafePointer<Float>?
  /// `.u1` or `.f4`.
  public let elementType: ElementType
  /// The rows a store has at most, so that 32 bits number them.
  public static let maximumRows = Int(UInt32.max)
  /// Whether the rows are mapped from a file, not read.
  public var isMapped: Bool { if case .mapping = storage { true } else { false } }

  fileprivate enum Storage {
    case bytes(GrowableBuffer<UInt8>)
    case floats(GrowableBuffer<Float>)
    case mapping(UnsafeMutableRawPointer, length: Int)
  }
  private let storage: Storage
  /// The hash where it was taken while the rows came in.
  private let digest: String?

  /// Reads all rows of `reader`.
  ///
  /// - `finite`: an infinity or NaN is an error that names its row.
  /// - `hashing`: the caller is going to ask for `sha256`. It is then taken while the rows come in,
  ///   in the time that is spent waiting for them.
  public init(_ reader: TensorReader, finite: Bool = true, hashing: Bool = false) throws {
    var hash = hashing ? SHA256() : nil
    name = reader.name
    rowShape = reader.rowShape
    rowSize = reader.rowSize
    if reader.elementType == .u1 {
      let buffer = GrowableBuffer<UInt8>()
      rows = try Self.readAll(buffer, rowSize: rowSize, &hash) {
        try reader.append(to: buffer, maxRows: $0)
      }
      buffer.trim()
      storage = .bytes(buffer)
      elementType = .u1
      bytes = UnsafePointer(buffer.base)
      floats = nil
    } else {
      let buffer = GrowableBuffer<Float>()
      rows = try Self.readAll(buffer, rowSize: rowSize, &hash) {
        try reader.append(to: buffer, maxRows: $0, finite: finite)
      }
      buffer.trim()
      storage = .floats(buffer)
      elementType = .f4
      bytes = nil
      floats = UnsafePointer(buffer.base)
    }
    digest = hash?.finish()
    guard rows <= Self.maximumRows else {
      throw StreamError.tooManyRows(name: name, most: Self.maximumRows, got: rows)
    }
  }

  /// Rows of `rowShape` from an array that holds them one after the other, as floats.
  ///
  /// - Throws: `StreamError` where the values do not make whole rows, or are not finite.
  public convenience init(_ values: [Float], rowShape: [Int], name: String = "rows") throws {
    if let bad = values.firstIndex(where: { !$0.isFinite }) {
      let size = max(rowShape.reduce(1, *), 1)
      throw StreamError.notFinite(
        name: name, row: bad / size, element: bad % size, value: "\(values[bad])")
    }
    let buffer = try GrowableBuffer(values, name: name)
    try self.init(.floats(buffer), values.count, rowShape, name: name)
  }

  /// Rows of bytes, each of which stands for value/255.
  ///
  /// - Throws: `StreamError` where the bytes do not make whole rows.
  public convenience init(_ values: [UInt8], rowShape: [Int], name: String = "rows") throws {
    let buffer = try GrowableBuffer(values, name: name)
    try self.init(.bytes(buffer), values.count, rowShape, name: name)
  }

  private init(_ storage: Storage, _ count: Int, _ rowShape: [Int], name: String) throws {
    let isBytes = if case .bytes = storage { true } else { false }
    rowSize = try Shape.checked(rowShape, of: isBytes ? .u1 : .f4, name: name).count
    guard rowSize > 0, count % rowSize == 0 else {
      throw StreamError.wrongRowSize(
        name: name, row: count / max(rowSize, 1), expected: rowSize, got: count % max(rowSize, 1))
    }
    self.storage = storage
    self.name = name
    self.rowShape = rowShape
    rows = count / rowSize
    elementType = isBytes ? .u1 : .f4
    if case .bytes(let buffer) = storage { bytes = UnsafePointer(buffer.base) } else { bytes = nil }
    if case .floats(let buffer) = storage {
      floats = UnsafePointer(buffer.base)
    } else {
      floats = nil
    }
    digest = nil
  }

  /// A copy of some rows, in the order of their positions.
  package func selecting(_ positions: [Int], name: String) throws -> RowStore {
    func copy<Element>(_ source: UnsafePointer<Element>) throws -> GrowableBuffer<Element> {
      let buffer = GrowableBuffer<Element>()
      guard buffer.reserve(max(positions.count * rowSize, 1)), let base = buffer.base else {
        throw StreamError.outOfMemory(name: name)
      }
      for (row, position) in positions.enumerated() {
        (base + row * rowSize).update(from: source + position * rowSize, count: rowSize)
      }
      buffer.count = positions.count * rowSize
      return buffer
    }
    let storage: Storage
    if let bytes {
      storage = .bytes(try copy(bytes))
    } else if let floats {
      storage = .floats(try copy(floats))
    } else {
      preconditionFailure("a store has bytes or floats")
    }
    return try RowStore(storage, positions.count * rowSize, rowShape, name: name)
  }

  /// Appends rows until there are none left, a megabyte or so at a time where they are hashed.
  private static func readAll<Element>(
    _ buffer: GrowableBuffer<Element>, rowSize: Int, _ hash: inout SHA256?,
    append: (_ maxRows: Int) throws -> Int
  ) rethrows -> Int {
    guard hash != nil else { return try append(.max) }
    let chunk = max(1, (1 << 20) / (rowSize * MemoryLayout<Element>.stride))
    var rows = 0
    while true {
      let start = buffer.count
      let count = try append(chunk)
      guard count > 0 else { return rows }
      rows += count
      let arrived = UnsafeBufferPointer(start: buffer.base, count: buffer.count)[start...]
      hash?.update(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: arrived)))
    }
  }

  /// Maps the rows of a file that holds one uncompressed C-order array of u1 or little-endian f4,
  /// and reads those of any other. The file must not be cut while it is mapped.
  public convenience init(
    mapping path: String, finite: Bool = true, hashing: Bool = false
  ) throws {
    let reader = try TensorReader(try ByteSource(path: path))
    if let mapping = Self.map(reader) {
      try self.init(reader, mapping, finite: finite)
    } else {
      try self.init(reader, finite: finite, hashing: hashing)
    }
  }

  private init(
    _ reader: TensorReader, _ mapping: (base: UnsafeMutableRawPointer, length: Int, data: Int),
    finite: Bool
  ) throws {
    name = reader.name
    rowShape = reader.rowShape
    rowSize = reader.rowSize
    rows = reader.declaredRows
    guard rows <= Self.maximumRows else {
      munmap(mapping.base, mapping.length)
      throw StreamError.tooManyRows(name: name, most: Self.maximumRows, got: rows)
    }
    digest = nil
    storage = .mapping(mapping.base, length: mapping.length)
    MappedFiles.add(mapping.base, length: mapping.length, name: name)
    elementType = reader.elementType
    let data = UnsafeRawPointer(mapping.base) + mapping.data
    bytes = elementType == .u1 ? data.assumingMemoryBound(to: UInt8.self) : nil
    floats = elementType == .f4 ? data.assumingMemoryBound(to: Float.self) : nil
    if finite, let floats,
      let bad = ElementConversion.firstNonFinite(floats, count: rows * rowSize)
    {
      throw StreamError.notFinite(
        name: name, row: bad / rowSize, element: bad % rowSize, value: "\(floats[bad])")
    }
  }

  deinit {
    guard case .mapping(let base, let length) = storage else { return }
    MappedFiles.remove(base)
    munmap(base, length)
  }

  /// SHA-256 of the rows as stored (u1 or little-endian f4), in hexadecimal. Takes a few
  /// milliseconds a megabyte, unless it was taken while the rows came in.
  public func sha256() -> String {
    if let digest { return digest }
    var hash = SHA256()
    let count = rows * rowSize
    hash.update(UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count))
    hash.update(UnsafeRawBufferPointer(start: floats, count: floats == nil ? 0 : count * 4))
    return hash.finish()
  }

  /// nil when the file's bytes are not just the rows as they are wanted.
  private static func map(
    _ reader: TensorReader
  ) -> (base: UnsafeMutableRawPointer, length: Int, data: Int)? {
    let (source, array) = (reader.source, reader.array)
    let data = source.position
    guard let file = source.descriptor, let size = source.plainFileSize,
      array.type == .u1 || array.type == .f4, !array.isSwapped,
      !array.isFortranOrder || FortranOrder.isTrivial(array.shape),
      data % array.type.size == 0, array.shape.count > 0,
      size - data == array.shape.count * array.type.size,
      let base = mmap(nil, size, PROT_READ, MAP_PRIVATE, file.rawValue, 0), base != MAP_FAILED
    else { return nil }
    return (base, size, data)
  }
}

extension GrowableBuffer {
  /// A copy of an array.
  fileprivate convenience init(_ values: [Element], name: String) throws {
    self.init()
    guard reserve(max(values.count, 1)), let base else { throw StreamError.outOfMemory(name: name) }
    base.update(from: values, count: values.count)
    count = values.count
  }
}
