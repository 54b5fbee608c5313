import Testing
import VAECore

struct ResamplerTests {
  private func resample(
    _ samples: [UInt8], _ from: PixelSize, _ to: PixelSize, channels: Int, crop: Bool = false
  ) -> [UInt8] {
    samples.withUnsafeBufferPointer(
      Resampler(from: from, to: to, channels: channels, crop: crop).resample)
  }

  /// Pillow rounds to bytes between its two passes, and rounds alpha's products too.
  @Test func samplesArePillows() throws {
    for words in try Streams.goldenLines("resized.txt", words: 7) {
      let numbers = words.map { Int($0) ?? 0 }
      let result = resample(
        Streams.bytes(hex: words[3]), PixelSize(width: numbers[1], height: numbers[2]),
        PixelSize(width: numbers[4], height: numbers[5]), channels: numbers[0])
      let expected = Streams.bytes(hex: words[6])
      #expect(result.count == expected.count)
      let allowed = numbers[0] == 4 ? 2 : 1
      for (a, b) in zip(result, expected) { #expect(abs(Int(a) - Int(b)) <= allowed, "\(words)") }
    }
  }

  @Test func sameSizeChangesNothing() {
    let size = PixelSize(width: 3, height: 2)
    let samples: [UInt8] = [0, 255, 7, 9, 100, 200]
    #expect(resample(samples, size, size, channels: 1) == samples)
  }

  @Test func cropKeepsTheMiddle() {
    // 4x2, of which the middle 2x2 is left.
    let samples: [UInt8] = [9, 1, 2, 9, 9, 3, 4, 9]
    let size = PixelSize(width: 2, height: 2)
    #expect(
      resample(samples, PixelSize(width: 4, height: 2), size, channels: 1, crop: true)
        == [1, 2, 3, 4])
  }

  @Test func transparentPixelsLendNoColour() {
    let samples: [UInt8] = [255, 0, 0, 0, 10, 20, 30, 255]
    let result = resample(
      samples, PixelSize(width: 2, height: 1), PixelSize(width: 1, height: 1), channels: 4)
    #expect(result == [10, 20, 30, 128])
  }
}
