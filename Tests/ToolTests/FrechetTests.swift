import Foundation
import Testing

@Suite struct FrechetTests {
  private func distance(_ arguments: [String], input: Stream = .closed) throws -> Double {
    let result = try run("frechet", arguments, input: input)
    #expect(result.status == 0 && result.messages == "")
    return try #require(Double(String(decoding: result.output.dropLast(), as: UTF8.self)))
  }

  /// Sums of a few hundred products in 64-bit floats, of rows in 32-bit ones that the golden
  /// computed with as well: far closer than 1e-9.
  @Test func distancesAreSciPys() throws {
    for line in String(decoding: try golden("frechet/distances.txt"), as: UTF8.self)
      .split(separator: "\n")
    {
      let words = line.split(separator: " ")
      let expected = try #require(Double(words[1]))
      let (a, b) = (
        goldens.appendingPathComponent("frechet/\(words[0])-a.npy").path,
        goldens.appendingPathComponent("frechet/\(words[0])-b.npy").path
      )
      #expect(abs(try distance([a, b]) - expected) < 1e-9 * expected, "\(line)")
      #expect(abs(try distance([b, a], input: .closed) - expected) < 1e-9 * expected, "\(line)")
      #expect(try distance(["-", b], input: .file(a)) == distance([a, b, "--threads", "1"]))
      #expect(try distance([a, a]) < 1e-12)
    }
  }

  @Test func constantRowsAreAsFarApartAsTheirMeans() throws {
    let folder = try TemporaryFolder()
    let a = try folder.write(npy("<f4", "(2, 2)", f4([1, 2, 1, 2])), to: "a.npy")
    let b = try folder.write(npy("|u1", "(3, 1, 2)", [0, 255, 0, 255, 0, 255]), to: "b.npy")
    #expect(try distance([a, b]) == 2)
    #expect(try distance([a, a]) == 0)
  }

  /// 200 MB of rows, of which only the covariance is kept.
  @Test func memoryDoesNotGrowWithRows() throws {
    let folder = try TemporaryFolder()
    let few = try folder.write(npy("|u1", "(2, 100)", [UInt8](repeating: 1, count: 200)), to: "few")
    let rows = (0..<10_000_000).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 16) }
    let stream = npy("|u1", "(100000, 100)", rows)
    let result = try run("frechet", [few, "-"], input: .pipe(stream + stream))
    #expect(result.status == 0 && result.peakMemory < 64 << 20)
  }

  @Test func refusesWhatHasNoDistance() throws {
    let folder = try TemporaryFolder()
    let two = try folder.write(npy("<f4", "(2, 2)", f4([1, 2, 3, 4])), to: "two.npy")
    let one = try folder.write(npy("<f4", "(1, 2)", f4([1, 2])), to: "one.npy")
    let wide = try folder.write(npy("<f4", "(2, 3)", f4([1, 2, 3, 4, 5, 6])), to: "wide.npy")
    let wrong = try folder.write(npy("<f4", "(2, 2)", f4([1, .nan, 3, 4])), to: "nan.npy")
    for (file, words) in [
      (one, "expected at least 2 rows, got 1"), (wide, "row 0: expected 2 values, got 3"),
      (wrong, "row 0: element 1 is nan, expected finite numbers"),
    ] {
      let result = try run("frechet", [two, file])
      #expect(result.status == 65 && result.output.isEmpty)
      #expect(result.messages == "frechet: \(file): \(words)\n")
    }
    let huge = try run(
      "frechet", ["-", two],
      input: .pipe(npy("|u1", "(2, 8193)", [UInt8](repeating: 0, count: 16386))))
    #expect(huge.status == 65)
    #expect(try run("frechet", [two, "nowhere.npy"]).status == 66)
    for arguments in [[two], ["-", "-"], [two, two, two], [two, two, "--threads", "0"]] {
      #expect(try run("frechet", arguments).status == 64)
    }
  }
}
