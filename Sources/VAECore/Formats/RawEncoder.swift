/// Turns numbers into the bytes of any element type.
package struct RawEncoder {
  package let type: RawType
  /// The last numbers encoded.
  package private(set) var bytes: [UInt8] = []

  package init(_ type: RawType) { self.type = type }

  /// Encodes numbers; returns the index of the first that the type cannot hold.
  mutating func encode(_ values: UnsafeBufferPointer<Double>) -> Int? {
    switch type.element {
    case .u1: whole(values, UInt8.self)
    case .i1: whole(values, Int8.self)
    case .u2: whole(values, UInt16.self)
    case .i2: whole(values, Int16.self)
    case .u4: whole(values, UInt32.self)
    case .i4: whole(values, Int32.self)
    case .u8: whole(values, UInt64.self)
    case .i8: whole(values, Int64.self)
    case .b1: put(values) { UInt8($0 == 0 ? 0 : 1) }
    case .f2: put(values, Self.halfBits)
    case .f4: put(values) { Float($0).bitPattern }
    case .f8: put(values) { $0.bitPattern }
    }
  }

  /// Encodes numbers as f4 or f2.
  package mutating func encode(_ values: UnsafeBufferPointer<Float>) {
    _ = type.element == .f2 ? put(values, Self.halfBits) : put(values, \.bitPattern)
  }

  private mutating func whole<Bits: FixedWidthInteger>(
    _ values: UnsafeBufferPointer<Double>, _: Bits.Type
  ) -> Int? {
    put(values) { Bits(exactly: $0.rounded(.towardZero)) }
  }

  private mutating func put<Number, Bits: FixedWidthInteger>(
    _ values: UnsafeBufferPointer<Number>, _ encode: (Number) -> Bits?
  ) -> Int? {
    bytes.removeAll(keepingCapacity: true)
    bytes.reserveCapacity(values.count * MemoryLayout<Bits>.size)
    for (index, value) in values.enumerated() {
      guard let bits = encode(value) else { return index }
      let stored = type.isSwapped ? bits.byteSwapped : bits
      withUnsafeBytes(of: stored) { bytes.append(contentsOf: $0) }
    }
    return nil
  }

  /// As for Double; but a Double made of a signalling NaN would be a quiet one.
  static func halfBits(_ value: Float) -> UInt16 {
    guard value.isNaN else { return halfBits(Double(value)) }
    return UInt16(value.bitPattern >> 16 & 0x8000) | 0x7c00
      | max(UInt16(value.significandBitPattern >> 13), 1)
  }

  /// IEEE 754 binary16, rounded to nearest, ties to even; `Float16` does not exist on every machine.
  static func halfBits(_ value: Double) -> UInt16 {
    let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
    let size = value.magnitude
    if size.isNaN {
      // The top of the payload, and not the pattern of infinity.
      let payload = UInt16(truncatingIfNeeded: value.significandBitPattern >> 42)
      return sign | 0x7c00 | max(payload, 1)
    }
    if size >= 65520 { return sign | 0x7c00 }
    if size < 0x1p-14 { return sign | UInt16((size * 0x1p24).rounded(.toNearestOrEven)) }
    // 1024 to 2048, where 2048 carries into the exponent.
    let exponent = Int(size.exponent)
    let fraction = UInt16((size.significand * 1024).rounded(.toNearestOrEven))
    return sign | (UInt16(exponent + 14) << 10 + fraction)
  }
}
