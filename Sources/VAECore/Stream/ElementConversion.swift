/// Loops from stored elements to `Float`, plain enough for the compiler to vectorise.
enum ElementConversion {
  /// Converts `count` elements at `raw`, which is aligned for them.
  ///
  /// - `isSwapped`: the bytes of an element stand in the other order than the machine's.
  /// - `scalesBytes`: u1 stands for value/255, as in tensor-stream(5); otherwise for itself.
  static func convert(
    _ raw: UnsafeRawPointer, count: Int, type: ElementType, isSwapped: Bool, scalesBytes: Bool,
    into output: UnsafeMutablePointer<Float>
  ) {
    @inline(__always)
    func loop<Bits: FixedWidthInteger>(_: Bits.Type, _ body: (Bits) -> Float) {
      let input = raw.assumingMemoryBound(to: Bits.self)
      if isSwapped {
        for i in 0..<count { output[i] = body(input[i].byteSwapped) }
      } else {
        for i in 0..<count { output[i] = body(input[i]) }
      }
    }
    switch type {
    // The quotient, not a product with 1/255: bit for bit NumPy's float32 x / 255.
    case .u1 where scalesBytes: loop(UInt8.self) { Float($0) / 255 }
    case .u1: loop(UInt8.self) { Float($0) }
    case .i1: loop(Int8.self) { Float($0) }
    case .b1: loop(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .i2: loop(Int16.self) { Float($0) }
    case .u2: loop(UInt16.self) { Float($0) }
    case .i4: loop(Int32.self) { Float($0) }
    case .u4: loop(UInt32.self) { Float($0) }
    case .i8: loop(Int64.self) { Float($0) }
    case .u8: loop(UInt64.self) { Float($0) }
    case .f2: loop(UInt16.self) { float(halfBits: $0) }
    case .f4: loop(UInt32.self) { Float(bitPattern: $0) }
    case .f8: loop(UInt64.self) { Float(Double(bitPattern: $0)) }
    }
  }

  /// As above, into Doubles: exact for all types but i8 and u8, and u1 scaled, which is the value
  /// that it has as a Float.
  static func convert(
    _ raw: UnsafeRawPointer, count: Int, type: ElementType, isSwapped: Bool, scalesBytes: Bool,
    into output: UnsafeMutablePointer<Double>
  ) {
    @inline(__always)
    func loop<Bits: FixedWidthInteger>(_: Bits.Type, _ body: (Bits) -> Double) {
      let input = raw.assumingMemoryBound(to: Bits.self)
      if isSwapped {
        for i in 0..<count { output[i] = body(input[i].byteSwapped) }
      } else {
        for i in 0..<count { output[i] = body(input[i]) }
      }
    }
    switch type {
    case .u1 where scalesBytes: loop(UInt8.self) { Double(Float($0) / 255) }
    case .u1: loop(UInt8.self) { Double($0) }
    case .i1: loop(Int8.self) { Double($0) }
    case .b1: loop(UInt8.self) { $0 == 0 ? 0 : 1 }
    case .i2: loop(Int16.self) { Double($0) }
    case .u2: loop(UInt16.self) { Double($0) }
    case .i4: loop(Int32.self) { Double($0) }
    case .u4: loop(UInt32.self) { Double($0) }
    case .i8: loop(Int64.self) { Double($0) }
    case .u8: loop(UInt64.self) { Double($0) }
    case .f2: loop(UInt16.self) { double(halfBits: $0) }
    case .f4: loop(UInt32.self) { Double(Float(bitPattern: $0)) }
    case .f8: loop(UInt64.self) { Double(bitPattern: $0) }
    }
  }

  /// The value of an IEEE 754 binary16 number; `Float16` does not exist on every machine.
  @inline(__always)
  static func float(halfBits half: UInt16) -> Float {
    let bits = UInt32(half)
    let sign = (bits & 0x8000) << 16
    let magnitude = bits & 0x7fff
    let fraction = magnitude << 13
    let result: UInt32 =
      if magnitude >= 0x7c00 {
        fraction | 0x7f80_0000  // infinity, or NaN with its payload
      } else if magnitude >= 0x0400 {
        fraction + (127 - 15) << 23
      } else {
        (Float(magnitude) * 0x1p-24).bitPattern  // subnormal
      }
    return Float(bitPattern: sign | result)
  }

  /// The same as a Double, into which a signalling NaN would come as a quiet one by way of Float.
  @inline(__always)
  static func double(halfBits half: UInt16) -> Double {
    guard half & 0x7fff > 0x7c00 else { return Double(float(halfBits: half)) }
    let sign = UInt64(half & 0x8000) << 48
    return Double(bitPattern: sign | 0x7ff0_0000_0000_0000 | UInt64(half & 0x03ff) << 42)
  }

  /// The index of the first value that is infinite or no number.
  static func firstNonFinite(_ values: UnsafePointer<Float>, count: Int) -> Int? {
    // Adding one to a full exponent carries into the sign bit; no other exponent does.
    var carries: UInt32 = 0
    for i in 0..<count { carries |= (values[i].bitPattern & 0x7fff_ffff) &+ 0x0080_0000 }
    guard carries >> 31 != 0 else { return nil }
    return (0..<count).first { !values[$0].isFinite }
  }
}
