import Testing
import VAECore

struct GrowableBufferTests {
  @Test func keepsWhatItHoldsWhenItGrows() throws {
    let buffer = GrowableBuffer<Float>()
    for value in 0..<10_000 {
      #expect(buffer.reserve(buffer.count + 1))
      try #require(buffer.base)[buffer.count] = Float(value)
      buffer.count += 1
    }
    #expect(buffer.capacity < 20_001)
    buffer.trim()
    #expect(buffer.capacity == 10_000)
    let base = try #require(buffer.base)
    #expect((0..<10_000).allSatisfy { base[$0] == Float($0) })
  }

  @Test func reportsWhatNoMemoryCanHold() {
    let buffer = GrowableBuffer<Double>()
    #expect(!buffer.reserve(.max))
    #expect(!buffer.reserve(1 << 58))
    #expect(buffer.capacity == 0)
  }
}
