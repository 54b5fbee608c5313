/// The header of an IDX file, the format of MNIST: two zero bytes, the type, the rank, then each
/// dimension in four bytes, big end first, as are the elements.
struct IDXHeader {
  let type: ElementType
  let shape: Shape

  private static let types: [UInt8: ElementType] = [
    0x08: .u1, 0x09: .i1, 0x0b: .i2, 0x0c: .i4, 0x0d: .f4, 0x0e: .f8,
  ]

  static func begins(with head: [UInt8]) -> Bool {
    head.count >= 4 && head[0] == 0 && head[1] == 0 && types[head[2]] != nil
  }

  /// Reads a header that `begins(with:)` recognised.
  init(from source: ByteSource) throws {
    let head = try source.take(4)
    guard Self.begins(with: head), let type = Self.types[head[2]] else {
      throw StreamError.notATensor(name: source.name, row: 0, byte: source.position, got: head)
    }
    let rank = Int(head[3])
    let bytes = try source.take(4 * rank)
    guard bytes.count == 4 * rank else {
      throw StreamError.headerEndsEarly(
        name: source.name, expected: 4 + 4 * rank, got: 4 + bytes.count)
    }
    self.type = type
    let dimensions = (0..<rank).map { axis in
      bytes[(4 * axis)..<(4 * axis + 4)].reduce(0) { $0 << 8 | Int($1) }
    }
    shape = try .checked(dimensions, of: type, name: source.name)
  }
}
