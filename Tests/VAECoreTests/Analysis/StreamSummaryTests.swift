import Testing
import VAECore

struct StreamSummaryTests {
  private func summary(_ stream: [UInt8]) throws -> StreamSummary {
    try StreamSummary(reading: try Streams.reader(stream, pieceSize: 40))
  }

  @Test func factsAreThoseOfAllArrays() throws {
    let stream =
      Streams.rows([1, .nan, 3, -.infinity], shape: "(2, 2)")
      + Streams.rows([5, 7], shape: "(1, 2)")
    let summary = try summary(stream)
    #expect(summary.shape == [3, 2])
    #expect(summary.arrays == 2)
    #expect(summary.bytes == stream.count)
    #expect(summary.values.nans == 1 && summary.values.infinities == 1)
    #expect(summary.values.least == 1 && summary.values.greatest == 7)
    #expect(summary.values.mean == 4)
    #expect(summary.values.deviation == 5.0.squareRoot())
    #expect(
      try summary.json()
        == """
        {"arrays":2,"bytes":\(stream.count),"infs":1,"max":7,"mean":4,"min":1,"name":"x.npy",\
        "nans":1,"shape":[3,2],"std":2.23606797749979,"type":"f4"}
        """)
  }

  @Test func nothingHasNoRange() throws {
    let summary = try summary(Streams.rows([.nan], shape: "(1,)"))
    #expect(summary.values.least == nil && summary.values.mean == nil)
    #expect(summary.text.contains("range   - -\nmean    -\n"))
    #expect(try summary.json().contains("\"min\":null"))
  }

  @Test func numbersInTextAreThoseOfTheType() throws {
    let text = try summary(Streams.rows([0.1, 0.3], shape: "(2,)")).text
    #expect(text.hasPrefix("shape   (2,)\ntype    f4\narrays  1\nbytes"))
    #expect(text.contains("range   0.1 0.3\n"))
  }

  /// A small spread far from zero, where the plain sum of squares has no digit right.
  @Test func deviationIsPrecise() {
    var values = ValueSummary()
    for start in stride(from: 0, to: 10_000, by: 100) {
      let block = (start..<(start + 100)).map { 1e9 + Double($0 % 2) }
      block.withUnsafeBufferPointer { values.add($0) }
    }
    #expect(values.mean == 1e9 + 0.5)
    #expect(abs((values.deviation ?? 0) - 0.5) < 1e-12)
  }
}
