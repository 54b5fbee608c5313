/// Fortran-order arrays, whose first axis varies fastest.
enum FortranOrder {
  /// Whether an array looks the same in both orders: at most one axis is longer than one.
  static func isTrivial(_ shape: Shape) -> Bool {
    shape.count == 0 || shape.dimensions.count { $0 != 1 } <= 1
  }

  /// Copies a Fortran-order array to row-major order; both blocks hold `shape.count` elements of
  /// `size` bytes and are aligned for them.
  static func transpose(
    _ input: UnsafeRawPointer, into output: UnsafeMutableRawPointer, shape: Shape, size: Int
  ) {
    switch size {
    case 1: transpose(input, output, shape, as: UInt8.self)
    case 2: transpose(input, output, shape, as: UInt16.self)
    case 4: transpose(input, output, shape, as: UInt32.self)
    default: transpose(input, output, shape, as: UInt64.self)
    }
  }

  private static func transpose<Bits: FixedWidthInteger>(
    _ input: UnsafeRawPointer, _ output: UnsafeMutableRawPointer, _ shape: Shape, as: Bits.Type
  ) {
    let from = input.assumingMemoryBound(to: Bits.self)
    let to = output.assumingMemoryBound(to: Bits.self)
    let rows = shape.dimensions[0]
    let inner = Array(shape.dimensions.dropFirst())
    let rowSize = shape.count / rows
    // In blocks of rows, so that what is written to stays in the cache.
    for block in stride(from: 0, to: rows, by: 64) {
      let blockEnd = min(block + 64, rows)
      var index = [Int](repeating: 0, count: inner.count)
      for element in 0..<rowSize {
        var column = 0
        for axis in inner.indices.reversed() { column = column * inner[axis] + index[axis] }
        for row in block..<blockEnd { to[row * rowSize + element] = from[column * rows + row] }
        // The next element of the row, last axis fastest.
        var axis = inner.count - 1
        while axis >= 0 {
          index[axis] += 1
          if index[axis] < inner[axis] { break }
          index[axis] = 0
          axis -= 1
        }
      }
    }
  }
}
