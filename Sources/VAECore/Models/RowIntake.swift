import CKernels

/// What becomes of rows before a trained model sees them, and what is said of those that are not
/// like the rows it learned from.
final class RowIntake {
  private let likelihood: (any Likelihood)?
  private let binarizes: Bool
  private let range: ClosedRange<Float>?
  private var strangers = 0
  private var firstStranger = 0

  init(_ architecture: any Architecture) {
    let vae = architecture as? VAEConfiguration
    likelihood = vae?.likelihood
    binarizes = vae?.binarizes ?? false
    range = vae?.inputRange
  }

  /// Takes [rows, width]; `firstRow` numbers them in `name`. Values of bytes are from 0 to 1.
  ///
  /// - Throws: `LikelihoodError` for values that the model cannot explain.
  func take(
    _ values: UnsafeMutableBufferPointer<Float>, width: Int, firstRow: Int, name: String,
    areBytes: Bool
  ) throws {
    guard let base = values.baseAddress else { return }
    if binarizes {
      for i in values.indices { values[i] = values[i] > 0.5 ? 1 : 0 }
    } else if let likelihood, type(of: likelihood).isBounded {
      if areBytes { return }
      try likelihood.check(
        UnsafeBufferPointer(values), width: width, firstRow: firstRow, of: name)
    } else if let range {
      let span = range.upperBound - range.lowerBound
      let (low, high) = (range.lowerBound - span, range.upperBound + span)
      for row in 0..<(values.count / width)
      where vt_outside(base + row * width, width, low, high) > 0 {
        if strangers == 0 { firstStranger = firstRow + row }
        strangers += 1
      }
    }
  }

  /// What the user should know of the rows that were taken.
  var remarks: [String] {
    guard strangers > 0, let range else { return [] }
    return [
      "\(count(strangers, "row")), the first of them row \(firstStranger), "
        + "far outside \(range.lowerBound) to \(range.upperBound), the range of the rows that the "
        + "model learned from; bring them to its scale"
    ]
  }
}

extension RowStore {
  /// The least and the greatest value, of bytes value/255; nil for no rows.
  public var range: ClosedRange<Float>? {
    guard rows > 0 else { return nil }
    if let bytes {
      var (low, high) = (UInt8.max, UInt8.min)
      for i in 0..<(rows * rowSize) {
        low = min(low, bytes[i])
        high = max(high, bytes[i])
      }
      return Float(low) / 255...Float(high) / 255
    }
    guard let floats else { return nil }
    var (low, high) = (floats[0], floats[0])
    for i in 0..<(rows * rowSize) {
      low = floats[i] < low ? floats[i] : low
      high = floats[i] > high ? floats[i] : high
    }
    return low...high
  }
}
