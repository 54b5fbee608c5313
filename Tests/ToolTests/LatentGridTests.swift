import Foundation
import Testing

@Suite struct LatentGridTests {
  private let q: Float = 0.9674216  // the normal distribution's quantile at 5/6

  @Test func eachLatentIsTraversed() throws {
    let expected: [Float] = [-q, 0, 0, 0, q, 0, 0, -q, 0, 0, 0, q]
    let result = try run("latent-grid", ["2", "-n", "3"], input: .closed)
    #expect(result.status == 0 && result.messages == "")
    #expect(result.output == npy("<f4", "(6, 2)", f4(expected)))
  }

  @Test func aPlaneIsAGridOfItsOwn() throws {
    let expected: [Float] = [
      -q, 0, q, 0, 0, q, q, 0, q, -q, 0, 0, 0, 0, 0, q, 0, 0, -q, 0, -q, 0, 0, -q, q, 0, -q,
    ]
    let result = try run("latent-grid", ["3", "--plane", "0,2", "--steps", "3"])
    #expect(result.output == npy("<f4", "(9, 3)", f4(expected)))
    let other = try run("latent-grid", ["3", "--plane", "2,0", "-n", "1"])
    #expect(other.output == npy("<f4", "(1, 3)", f4([0, 0, 0])))
  }

  @Test func rowsAreVariedInTheirPlace() throws {
    let rows = npy("<f4", "(2, 2)", f4([5, 6, 7, 8]))
    let expected: [Float] = [0, 6, 5, 0, 0, 8, 7, 0]
    let folder = try TemporaryFolder()
    let file = try folder.write(rows, to: "z.npy")
    for (operand, input) in [("-", Stream.pipe(rows)), (file, .closed)] {
      let result = try run("latent-grid", ["2", "-n", "1", "--at", operand], input: input)
      #expect(result.output == npy("<f4", "(4, 2)", f4(expected)))
    }
    let two = try run("latent-grid", ["2", "-n", "1", "--at", "-"], input: .pipe(rows + rows))
    #expect(two.output == npy("<f4", "(8, 2)", f4(expected + expected)))
  }

  @Test func refusesWhatDoesNotFit() throws {
    let rows = npy("<f4", "(1, 2)", f4([5, 6]))
    let other = try run("latent-grid", ["3", "--at", "-"], input: .pipe(rows))
    #expect(other.status == 65 && other.output.isEmpty)
    #expect(other.messages == "latent-grid: standard input: row 0: expected 3 values, got 2\n")
    #expect(try run("latent-grid", ["3", "--at", "nowhere"]).status == 66)
    #expect(try run("latent-grid", ["3"], output: .terminal).status == 64)
    for arguments in [
      "", "0", "x", "2 -n 0", "2 --plane 0", "2 --plane 1,1", "2 --plane 0,2", "2 --plane 0,1,1",
      "2 --plane -1,0", "9999999999", "2 3",
    ] {
      let words = arguments.split(separator: " ").map(String.init)
      #expect(try run("latent-grid", words).status == 64, "\(arguments)")
    }
  }
}
