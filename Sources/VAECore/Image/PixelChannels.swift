/// The samples of a picture in the channels that were asked for: 1, 3 or 4.
struct PixelChannels {
  let channels: Int
  private(set) var samples: [UInt8] = []

  /// - Parameters:
  ///   - input: (height, width, `inputChannels`).
  ///   - inputChannels: 1 is grey, 2 grey and alpha, 3 RGB, 4 RGBA.
  init(_ input: [UInt8], channels inputChannels: Int, options: PictureOptions) {
    let hasAlpha = inputChannels % 2 == 0
    let isGrey = inputChannels < 3
    switch options.colours {
    case .grey: channels = 1
    case .rgb: channels = 3
    case nil: channels = inputChannels == 2 ? 4 : inputChannels
    }
    guard channels != inputChannels else {
      samples = input
      return
    }
    samples.reserveCapacity(input.count / inputChannels * channels)
    for pixel in stride(from: 0, to: input.count, by: inputChannels) {
      let alpha = hasAlpha ? input[pixel + inputChannels - 1] : 255
      var (red, green, blue) =
        isGrey
        ? (input[pixel], input[pixel], input[pixel])
        : (input[pixel], input[pixel + 1], input[pixel + 2])
      if channels < 4 {
        red = Self.over(red, alpha, options.background)
        green = Self.over(green, alpha, options.background)
        blue = Self.over(blue, alpha, options.background)
      }
      switch channels {
      case 1: samples.append(isGrey ? red : Self.luma(red, green, blue))
      case 3: samples.append(contentsOf: [red, green, blue])
      default: samples.append(contentsOf: [red, green, blue, alpha])
      }
    }
  }

  /// A sample before a background, rounded to nearest.
  private static func over(_ sample: UInt8, _ alpha: UInt8, _ background: UInt8) -> UInt8 {
    let (sample, alpha, background) = (Int(sample), Int(alpha), Int(background))
    return UInt8((sample * alpha + background * (255 - alpha) + 127) / 255)
  }

  /// The brightness of a colour by ITU-R BT.601, in the fixed-point numbers of Pillow's mode L.
  private static func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum: Int = Int(red) * 19595 + Int(green) * 38470 + Int(blue) * 7471
    return UInt8((sum + 0x8000) >> 16)
  }
}
