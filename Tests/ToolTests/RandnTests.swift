import Foundation
import Testing

@Suite struct RandnTests {
  @Test(arguments: [
    (["2", "3"], "(2, 3)", 6), (["5"], "(5,)", 5), (["0", "4"], "(0, 4)", 0),
    (["2", "3", "4", "5"], "(2, 3, 4, 5)", 120), (["70000"], "(70000,)", 70000),
  ])
  func writesWhatNumPyWouldSave(_ arguments: [String], shape: String, count: Int) throws {
    let result = try run("randn", arguments)
    #expect(result.status == 0)
    #expect(result.messages == "")
    let header = npy("<f4", shape)
    #expect(Array(result.output.prefix(header.count)) == header)
    #expect(result.output.count == header.count + count * 4)
  }

  @Test func seedsRepeatAndRunsDoNot() throws {
    let seeded = try run("randn", ["100", "--seed", "7"]).output
    #expect(try run("randn", ["100", "--seed", "7"]).output == seeded)
    #expect(try run("randn", ["100", "--seed", "8"]).output != seeded)
    #expect(try run("randn", ["100"]).output != run("randn", ["100"]).output)
  }

  @Test func firstRowsDoNotDependOnHowManyFollow() throws {
    let few = try run("randn", ["3", "300", "--seed", "1"]).output
    let many = try run("randn", ["300", "300", "--seed", "1"]).output
    #expect(Array(few.dropFirst(128)) == Array(many.dropFirst(128).prefix(3600)))
  }

  /// Against the moments of the standard normal, within five standard errors of each.
  @Test func numbersAreStandardNormal() throws {
    let count = 200_000
    let bytes = try run("randn", ["\(count)", "--seed", "3"]).output.dropFirst(128)
    let values = Array(bytes).withUnsafeBytes { bytes in
      (0..<count).map {
        Double(
          Float(
            bitPattern: UInt32(
              littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self))))
      }
    }
    let n = Double(count)
    let mean = values.reduce(0, +) / n
    let square = values.reduce(0) { $0 + $1 * $1 } / n
    let fourth = values.reduce(0) { $0 + $1 * $1 * $1 * $1 } / n
    #expect(abs(mean) < 5 / n.squareRoot())
    #expect(abs(square - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(fourth - 3) < 5 * (96 / n).squareRoot())
  }

  @Test(arguments: [
    [], ["x"], ["3", "0"], ["3", "2.5"], ["--", "-3"], ["9999999999999", "9999999"],
    ["4611686018427387904", "2"], ["99999999999999999999"], ["3", "--seed", "-1"],
  ])
  func impossibleShapesAreUsageErrors(_ arguments: [String]) throws {
    let result = try run("randn", arguments)
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.messages.hasPrefix("randn: "))
  }

  @Test func endlessOutputNeedsNoMemoryAndDiesQuietly() throws {
    for ignoring in [false, true] {
      let result = try run(
        "randn", ["100000000000", "100"], output: .head(1), ignoringBrokenPipes: ignoring)
      #expect(result.status == 141)
      #expect(result.messages == "")
      #expect(result.peakMemory < 64 << 20)
    }
  }

  @Test func signalsEndItAsTheyEndAnything() throws {
    for signal in [SIGINT, SIGTERM, SIGHUP] {
      let result = try run("randn", ["100000000000", "100"], output: .file("/dev/null")) {
        kill($0, signal)
      }
      #expect(result.status == 128 + signal)
      #expect(result.messages == "")
    }
  }

  @Test func inputMayBeClosed() throws {
    #expect(try run("randn", ["3"], input: .closed).status == 0)
  }

  @Test func outputMustBeWritable() throws {
    #if os(Linux)
      let full = try run("randn", ["3"], output: .file("/dev/full"))
      #expect(full.status == 74)
      #expect(full.lines.count == 1)
    #endif
    let closed = try run("randn", ["3"], output: .closed)
    #expect(closed.status == 74)
    #expect(closed.messages == "randn: standard output: is closed\n")
  }

  @Test func terminalIsRefusedUnlessForced() throws {
    let refused = try run("randn", ["3"], output: .terminal)
    #expect(refused.status == 64)
    #expect(refused.output.isEmpty)
    #expect(refused.messages.contains("--force"))
    #expect(try run("randn", ["3", "--force"], output: .terminal).status == 0)
  }
}
