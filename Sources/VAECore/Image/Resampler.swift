/// Changes the size of pictures: each pixel of the result is a mean of those under a tent around
/// its place, two of its own pixels wide, or of the source's where those are wider. Enlarging so is
/// linear interpolation, reducing an average over area; as Pillow's `BILINEAR`.
package struct Resampler {
  /// The pixels that one pixel is made of.
  private struct Tap {
    let first: Int
    let weights: [Float]
  }

  package let width: Int
  package let height: Int
  private let across: [Tap]
  private let down: [Tap]
  private let inputWidth: Int
  private let channels: Int

  /// - Parameter crop: cut what sticks out over the shape of the result off both ends, so that
  ///   nothing is stretched.
  package init(
    from input: PixelSize, to output: PixelSize, channels: Int, crop: Bool
  ) {
    (width, height) = (output.width, output.height)
    inputWidth = input.width
    self.channels = channels
    var box = (width: Double(input.width), height: Double(input.height))
    if crop {
      let scale = min(box.width / Double(width), box.height / Double(height))
      box = (scale * Double(width), scale * Double(height))
    }
    across = Self.taps(input: input.width, output: width, length: box.width)
    down = Self.taps(input: input.height, output: height, length: box.height)
  }

  /// `output` pixels of the middle `length` of `input` pixels.
  private static func taps(input: Int, output: Int, length: Double) -> [Tap] {
    let scale = length / Double(output)
    let reach = max(scale, 1)
    let start = (Double(input) - length) / 2
    return (0..<output).map { index in
      let center = start + (Double(index) + 0.5) * scale
      let first = max(0, Int(center - reach + 0.5))
      let end = max(first + 1, min(input, Int(center + reach + 0.5)))
      let weights = (first..<end).map { max(0, 1 - abs((Double($0) + 0.5 - center) / reach)) }
      let sum = weights.reduce(0, +)
      return Tap(first: first, weights: weights.map { Float($0 / sum) })
    }
  }

  /// The picture in its new size, (height, width, channels). With 4 channels the last is alpha, by
  /// which the others count.
  package func resample(_ input: UnsafeBufferPointer<UInt8>) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(height * width * channels)
    // Few lines are held in their new width, as there may be very many. Enlarging needs no more;
    // reducing computes some of them twice.
    var lines = [(row: Int, values: [Float])](repeating: (-1, []), count: 4)
    var sum = [Float](repeating: 0, count: width * channels)
    for tap in down {
      for x in sum.indices { sum[x] = 0 }
      for (offset, weight) in tap.weights.enumerated() {
        let row = tap.first + offset
        let slot = row % lines.count
        if lines[slot].row != row { lines[slot] = (row, narrowed(input, row: row)) }
        let line = lines[slot].values
        for x in sum.indices { sum[x] += weight * line[x] }
      }
      if channels == 4 { Self.divideByAlpha(&sum) }
      for value in sum { result.append(UInt8(min(max(value.rounded(), 0), 255))) }
    }
    return result
  }

  /// A line of the picture in its new width.
  private func narrowed(_ input: UnsafeBufferPointer<UInt8>, row: Int) -> [Float] {
    let rowBytes = inputWidth * channels
    var source = input[(row * rowBytes)..<((row + 1) * rowBytes)].map { Float($0) }
    if channels == 4 { Self.multiplyByAlpha(&source) }
    var line: [Float] = []
    line.reserveCapacity(width * channels)
    for tap in across {
      for channel in 0..<channels {
        var sum: Float = 0
        var from = tap.first * channels + channel
        for weight in tap.weights {
          sum += weight * source[from]
          from += channels
        }
        line.append(sum)
      }
    }
    return line
  }

  private static func multiplyByAlpha(_ line: inout [Float]) {
    for pixel in stride(from: 0, to: line.count, by: 4) {
      for channel in 0..<3 { line[pixel + channel] *= line[pixel + 3] / 255 }
    }
  }

  private static func divideByAlpha(_ line: inout [Float]) {
    for pixel in stride(from: 0, to: line.count, by: 4) where line[pixel + 3] > 0 {
      for channel in 0..<3 { line[pixel + channel] *= 255 / line[pixel + 3] }
    }
  }
}
