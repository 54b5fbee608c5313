/// How values become pixels, as torchvision's `save_image` has it.
public enum PixelScaling: Sendable, Equatable {
  /// 0 is black, 1 is white, and what lies outside is cut off.
  case none
  /// The range becomes [0, 1], and what lies outside is cut off.
  case range(low: Double, high: Double)
  /// The range from the least to the greatest value of all pictures becomes [0, 1].
  case whole
  /// The range from the least to the greatest value of each picture becomes [0, 1].
  case each
}

/// Turns a picture's values into 8-bit samples, a pixel's channels together.
struct PixelQuantizer {
  let shape: ImageShape
  let scaling: PixelScaling

  /// Writes `shape.count` bytes. The arithmetic is PyTorch's, in `Float` and in its order, so that
  /// the bytes are equal to `save_image`'s.
  func quantize(_ values: UnsafePointer<Float>, into bytes: UnsafeMutablePointer<UInt8>) {
    let limits: (low: Double, high: Double)? =
      switch scaling {
      case .none, .whole: nil
      case .range(let low, let high): (low, high)
      case .each: Self.limits(UnsafeBufferPointer(start: values, count: shape.count))
      }
    let area = shape.height * shape.width
    let (pixelStride, channelStride) =
      shape.channelsLast ? (shape.channels, 1) : (1, area)
    for channel in 0..<shape.channels {
      let source = values + channel * channelStride
      let target = bytes + channel
      if let limits {
        let low = Float(limits.low)
        let high = Float(limits.high)
        let span = Float(max(limits.high - limits.low, 1e-5))
        guard span.isFinite, low.isFinite, high.isFinite else {
          // Beyond what PyTorch can do.
          for pixel in 0..<area {
            let value = min(max(Double(source[pixel * pixelStride]), limits.low), limits.high)
            let share = (value / 2 - limits.low / 2) / (limits.high / 2 - limits.low / 2)
            target[pixel * shape.channels] = Self.byte(Float(share))
          }
          continue
        }
        for pixel in 0..<area {
          let value = min(max(source[pixel * pixelStride], low), high)
          target[pixel * shape.channels] = Self.byte((value - low) / span)
        }
      } else {
        for pixel in 0..<area {
          target[pixel * shape.channels] = Self.byte(source[pixel * pixelStride])
        }
      }
    }
  }

  /// `value.mul(255).add(0.5).clamp(0, 255).to(torch.uint8)`; NaN is black.
  static func byte(_ value: Float) -> UInt8 {
    let scaled = value * 255 + 0.5
    return scaled > 0 ? UInt8(min(scaled, 255)) : 0
  }

  /// The least and the greatest of finite values.
  static func limits(_ values: UnsafeBufferPointer<Float>) -> (low: Double, high: Double) {
    var low = Float.infinity
    var high = -Float.infinity
    for value in values {
      low = min(low, value)
      high = max(high, value)
    }
    return (Double(low), Double(high))
  }
}
