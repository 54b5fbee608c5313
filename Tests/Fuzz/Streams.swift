import VAECore

/// A `.npy` array or several.
func npyTarget(_ bytes: [UInt8]) throws {
  readTensors(bytes)
  // The same with the bytes as a header's text, whose length is then right.
  if let end = bytes.firstIndex(of: UInt8(ascii: "\n")), end < 4096 {
    readTensors(npy(header: Array(bytes[...end]), data: Array(bytes[(end + 1)...])))
  }
  var choices = Choices(bytes)
  let type = ElementType.allCases[choices.below(ElementType.allCases.count)]
  let shape = (0..<(1 + choices.below(4))).map { axis in choices.below(4) + (axis > 0 ? 1 : 0) }
  let isFortran = choices.below(2) == 1
  let isBigEndian = choices.below(2) == 1
  let count = shape.reduce(1, *)
  let data = choices.bytes(count * type.size)
  let order = type.size == 1 ? "|" : isBigEndian ? ">" : "<"
  let dimensions = shape.map { "\($0)," }.joined(separator: " ")
  let header =
    "{'descr': '\(order)\(type.rawValue)', 'fortran_order': \(isFortran ? "True" : "False"), "
    + "'shape': (\(dimensions)), }\n"
  let file = npy(header: Array(header.utf8), data: data)
  let elements = (0..<count).map { index -> [UInt8] in
    let place = isFortran ? fortranIndex(index, shape) : index
    let element = Array(data[(place * type.size)..<((place + 1) * type.size)])
    return isBigEndian ? element.reversed() : element
  }
  checkSound(file, type: type, elements: elements)
  if !data.isEmpty {
    expectRefusal("a cut array") { _ = try values(Array(file.dropLast()), pieceSize: .max) }
  }
  // 2^63 elements and more, which no count has room for.
  func bytesOfShape(_ dimensions: [Int]) -> [UInt8] {
    let shape = dimensions.map { "\($0)," }.joined()
    return Array("{'descr': '|u1', 'fortran_order': False, 'shape': (\(shape)), }\n".utf8)
  }
  let exponent = 1 + choices.below(62)
  expectRefusal("a shape beyond counting") {
    let shape = [1 << exponent, (1 + choices.below(4)) << (63 - exponent)]
    _ = try values(npy(header: bytesOfShape(shape), data: []), pieceSize: .max)
  }
  expectRefusal("a second array of longer rows") {
    let arrays = [1, 2].flatMap {
      npy(header: bytesOfShape([1, $0]), data: [UInt8](repeating: 7, count: $0))
    }
    _ = try values(arrays, pieceSize: .max)
  }
  expectRefusal("garbage after an array") { _ = try values(file + [0x93], pieceSize: .max) }
}

/// An IDX file, gzipped or not.
func idxTarget(_ bytes: [UInt8]) throws {
  readTensors(bytes)
  if bytes.count > 2 { readTensors([0x1f, 0x8b] + bytes) }
  var choices = Choices(bytes)
  let codes: [(UInt8, ElementType)] = [
    (0x08, .u1), (0x09, .i1), (0x0b, .i2), (0x0c, .i4), (0x0d, .f4), (0x0e, .f8),
  ]
  let (code, type) = codes[choices.below(codes.count)]
  let shape = (0..<(1 + choices.below(3))).map { axis in choices.below(4) + (axis > 0 ? 1 : 0) }
  let count = shape.reduce(1, *)
  let data = choices.bytes(count * type.size)
  let head: [UInt8] = [0, 0, code, UInt8(shape.count)]
  let file = head + shape.flatMap { [0, 0, 0, UInt8($0)] } + data
  let elements = (0..<count).map { index in
    Array(data[(index * type.size)..<((index + 1) * type.size)].reversed())
  }
  checkSound(file, type: type, elements: elements)
  let packed = gzip(file, members: 1 + choices.below(3))
  checkSound(packed, type: type, elements: elements)
  var damaged = packed
  // Its checksum, or the length behind it.
  damaged[damaged.count - 1 - choices.below(8)] ^= 1 << UInt8(choices.below(8))
  expectRefusal("a gzip file with another checksum") { _ = try values(damaged, pieceSize: .max) }
  expectRefusal("a cut gzip file") { _ = try values(Array(packed.dropLast()), pieceSize: .max) }
}

/// Reads bytes as a stream, at once and in small pieces: the outcome must be the same, and what was
/// read must come back when it is written and read again.
private func readTensors(_ bytes: [UInt8]) {
  let whole = attempt { try values(bytes, pieceSize: .max) }
  let pieces = attempt { try values(bytes, pieceSize: 7) }
  switch (whole, pieces) {
  case (.read(let a), .read(let b)):
    expect(a.bits == b.bits && a.rowShape == b.rowShape, "small pieces give other values")
    let again = sound("what was written") {
      let copy = try written { sink in
        let writer = try TensorWriter(sink, type: .f4, rowShape: a.rowShape, rows: a.rows)
        let floats = a.bits.map { Float(bitPattern: $0) }
        try floats.withUnsafeBytes { try writer.write(raw: $0) }
        try writer.finish()
      }
      return try values(copy, pieceSize: .max)
    }
    expect(again.bits == a.bits, "written and read again, the values differ")
  case (.refused(let a), .refused(let b)):
    // Of gzip more is undone at once, and a fault behind a header is met before or after it.
    expect(
      a == b || bytes.starts(with: [0x1f, 0x8b]), "small pieces are refused otherwise: \(a) / \(b)")
  default:
    fatalError("small pieces have another outcome: \(whole) / \(pieces)")
  }
}

private func checkSound(_ file: [UInt8], type: ElementType, elements: [[UInt8]]) {
  let read = sound("an array of \(type)") { try values(file, pieceSize: .max) }
  expect(read.bits.count == elements.count, "an array of \(type) has other elements")
  for (bits, element) in zip(read.bits, elements) {
    let expected = naive(element, type)
    let got = Float(bitPattern: bits)
    expect(got == expected || got.isNaN && expected.isNaN, "\(element) of \(type) became \(got)")
  }
}

private struct Values {
  let rowShape: [Int]
  let rows: Int
  let bits: [UInt32]
}

private func values(_ bytes: [UInt8], pieceSize: Int) throws -> Values {
  let reader = try TensorReader(
    ByteSource(bytes: bytes, name: "input", pieceSize: pieceSize))
  let batch = RowBatch()
  var bits: [UInt32] = []
  var rows = 0
  while try batch.fill(from: reader, maxRows: 3, scaleBytes: false, finite: false) {
    bits += batch.values.map(\.bitPattern)
    rows += batch.rows
    if bits.count > 1 << 20 { break }
  }
  expect(bits.count == rows * reader.rowSize, "other than whole rows")
  return Values(rowShape: reader.rowShape, rows: rows, bits: bits)
}

/// One element, low byte first, as its type has it.
private func naive(_ element: [UInt8], _ type: ElementType) -> Float {
  let bits = element.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
  switch type {
  case .u1, .u2, .u4, .u8: return Float(bits)
  case .b1: return bits == 0 ? 0 : 1
  case .i1: return Float(Int8(truncatingIfNeeded: bits))
  case .i2: return Float(Int16(truncatingIfNeeded: bits))
  case .i4: return Float(Int32(truncatingIfNeeded: bits))
  case .i8: return Float(Int64(bitPattern: bits))
  case .f4: return Float(bitPattern: UInt32(bits))
  case .f8: return Float(Double(bitPattern: bits))
  case .f2:
    let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
    let sign: Double = bits >> 15 == 0 ? 1 : -1
    if exponent == 31 { return fraction == 0 ? Float(sign) * .infinity : .nan }
    let scale = Double(sign: .plus, exponent: max(exponent, 1) - 25, significand: 1)
    return Float(sign * (exponent == 0 ? fraction : fraction + 1024) * scale)
  }
}

/// Where an element of a Fortran-order array lies, by its place in C order.
private func fortranIndex(_ index: Int, _ shape: [Int]) -> Int {
  var (rest, place) = (index, 0)
  var stride = shape.reduce(1, *)
  for side in shape.reversed() {
    stride /= side
    place += rest % side * stride
    rest /= side
  }
  return place
}

private func npy(header: [UInt8], data: [UInt8]) -> [UInt8] {
  let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  let length = [UInt8(header.count & 255), UInt8(header.count >> 8)]
  return magic + [1, 0] + length + header + data
}

/// A gzip file of stored blocks.
private func gzip(_ bytes: [UInt8], members: Int) -> [UInt8] {
  var file: [UInt8] = []
  let size = (bytes.count + members - 1) / members
  for member in 0..<members {
    let part = Array(bytes.dropFirst(member * size).prefix(size))
    file += [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1]
    for length in [part.count, ~part.count] {
      file += [UInt8(length & 255), UInt8(length >> 8 & 255)]
    }
    file += part
    for word in [crc32(part), UInt32(part.count)] {
      file += (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }
  }
  return file
}

private func crc32(_ bytes: [UInt8]) -> UInt32 {
  var crc = ~UInt32(0)
  for byte in bytes {
    crc ^= UInt32(byte)
    for _ in 0..<8 { crc = crc & 1 == 1 ? (crc >> 1) ^ 0xedb8_8320 : crc >> 1 }
  }
  return ~crc
}
