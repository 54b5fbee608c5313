/// The convolutional part of an autoencoder: strided convolutions in front of the encoder's dense
/// layers, and the way back behind the decoder's. Strides do what pooling does elsewhere.
public struct ConvolutionConfiguration: Sendable, Equatable {
  /// What the sides of a row are.
  public enum Layout: String, Codable, Sendable, CaseIterable {
    /// (C, H, W), or (H, W) of one channel.
    case channelsFirst = "channels-first"
    /// (H, W, C), or (H, W) of one channel.
    case channelsLast = "channels-last"
    /// (T, C), or (T) of one channel.
    case series
  }

  /// How the decoder comes to the larger maps.
  public enum Upsampling: String, Codable, Sendable, CaseIterable {
    /// By the transposed convolution.
    case transposed
    /// By the nearest neighbour, then a convolution of kernel 3, stride 1 and padding 1.
    case nearest
  }

  /// Channels behind each convolution; the decoder has them in reverse.
  public var channels: [Int]
  /// The side of a window.
  public var kernel = 4
  /// From one window to the next.
  public var stride = 2
  public var upsampling = Upsampling.transposed
  /// How many residual pairs of convolutions (He et al., "Deep residual learning for image
  /// recognition", 2016) work on the smallest map, in the encoder and in the decoder.
  public var residual = 0
  public var layout = Layout.channelsFirst

  public init(channels: [Int]) { self.channels = channels }

  /// Zeros on each side of a map: a map shrinks by the stride where that divides the kernel.
  public var padding: Int { (kernel - 1) / 2 }

  var isSeries: Bool { layout == .series }
  var window: WindowShape.Side { .init(kernel: kernel, stride: stride, padding: padding) }

  /// The maps from the rows on to the smallest.
  ///
  /// - Throws: `ModelError.badConfiguration` where rows of that shape are no maps, or grow too small.
  func maps(of inputShape: [Int]) throws -> [MapShape] {
    let sides = inputShape
    let first: MapShape
    switch (layout, sides.count) {
    case (.series, 1): first = MapShape(height: 1, width: sides[0], channels: 1)
    case (.series, 2): first = MapShape(height: 1, width: sides[0], channels: sides[1])
    case (.channelsFirst, 2), (.channelsLast, 2):
      first = MapShape(height: sides[0], width: sides[1], channels: 1)
    case (.channelsFirst, 3):
      first = MapShape(height: sides[1], width: sides[2], channels: sides[0])
    case (.channelsLast, 3):
      first = MapShape(height: sides[0], width: sides[1], channels: sides[2])
    default:
      let expected =
        isSeries ? "series are (T, C) or (T)" : "pictures are (H, W), (C, H, W) or (H, W, C)"
      throw ModelError.badConfiguration(
        "convolution of rows of shape \(Shape.describe(sides)): \(expected)")
    }
    guard !channels.isEmpty, channels.allSatisfy({ 1...1 << 16 ~= $0 }), 1...1 << 10 ~= kernel,
      1...kernel ~= stride, 0...1 << 10 ~= residual
    else {
      throw ModelError.badConfiguration(
        "convolution: channels \(channels), kernel \(kernel), stride \(stride), "
          + "residual \(residual)")
    }
    let window = WindowShape(window, isSeries: isSeries)
    return try channels.reduce(into: [first]) { maps, channels in
      let last = maps[maps.count - 1]
      guard last.width + 2 * padding >= kernel, isSeries || last.height + 2 * padding >= kernel
      else {
        throw ModelError.badConfiguration(
          "convolution \(maps.count) of kernel \(kernel) has no room on "
            + (isSeries ? "\(last.width) values" : "\(last.height)x\(last.width) pixels"))
      }
      maps.append(window.windows(on: last, channels: channels))
    }
  }

  /// The weights of all convolutions, encoder and decoder.
  func weights(_ maps: [MapShape]) -> Double {
    let places = Double(isSeries ? kernel : kernel * kernel)
    let last = Double(channels[channels.count - 1])
    return zip(maps, maps.dropFirst()).reduce(Double(4 * residual) * 9 * last * last) {
      $0 + 2 * places * Double($1.0.channels) * Double($1.1.channels)
    }
  }
}

extension ConvolutionConfiguration {
  private enum CodingKeys: String, CodingKey {
    case channels, kernel, stride, padding
    case upsampling = "upsample"
    case residual, layout, sizes
    case outputPadding = "output_padding"
  }

  /// Reads it; `padding`, `sizes` and `output_padding`, which follow from the rest, must be right where
  /// they are there.
  init(from decoder: any Decoder, inputShape: [Int]) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    channels = try values.decode([Int].self, forKey: .channels)
    kernel = try values.decode(Int.self, forKey: .kernel)
    stride = try values.decode(Int.self, forKey: .stride)
    upsampling = try values.decode(Upsampling.self, forKey: .upsampling)
    residual = try values.decode(Int.self, forKey: .residual)
    layout = try values.decode(Layout.self, forKey: .layout)
    let maps = try maps(of: inputShape)
    func require<Value: Decodable & Equatable>(_ key: CodingKeys, _ expected: Value) throws {
      guard try values.decodeIfPresent(Value.self, forKey: key) ?? expected == expected else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: values, debugDescription: "expected \(expected)")
      }
    }
    try require(.padding, padding)
    try require(.sizes, sizes(maps))
    try require(.outputPadding, outputPadding(maps))
  }

  func encode(to encoder: any Encoder, inputShape: [Int]) throws {
    let maps = try maps(of: inputShape)
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(channels, forKey: .channels)
    try values.encode(kernel, forKey: .kernel)
    try values.encode(stride, forKey: .stride)
    try values.encode(padding, forKey: .padding)
    try values.encode(upsampling, forKey: .upsampling)
    try values.encode(residual, forKey: .residual)
    try values.encode(layout, forKey: .layout)
    try values.encode(sizes(maps), forKey: .sizes)
    try values.encode(outputPadding(maps), forKey: .outputPadding)
  }

  /// The sides of the maps on the way down, without channels.
  private func sizes(_ maps: [MapShape]) -> [[Int]] {
    maps.map { isSeries ? [$0.width] : [$0.height, $0.width] }
  }

  /// For each step the places at the end of the larger map that no window covers, which PyTorch's
  /// ConvTranspose2d wants to know.
  private func outputPadding(_ maps: [MapShape]) -> [[Int]] {
    sizes(maps).dropLast().map { $0.map { ($0 + 2 * padding - kernel) % stride } }
  }
}
