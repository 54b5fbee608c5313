import Foundation
import Testing

@Suite struct PcaTests {
  /// Rows along a line and a little across it.
  private let rows: [UInt8] = {
    let values = (0..<100).flatMap { row -> [Float] in
      let along = Float(row)
      return [along, Float(row % 7) / 7, 2 * along]
    }
    return npy("<f4", "(100, 3)", f4(values))
  }()

  @Test func projectsRowsFromPipesAndFilesAlike() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(rows, to: "rows.npy")
    let result = try run("pca", ["-k", "2"], input: .pipe(rows))
    #expect(result.status == 0)
    #expect(result.messages == "pca: explained variance 100.0 % 0.0 %, together 100.0 %\n")
    #expect(result.output.starts(with: npy("<f4", "(100, 2)")))
    #expect(result.output.count == npy("<f4", "(100, 2)").count + 800)
    for arguments in [[file], ["-", "--threads", "1"]] {
      let other = try run("pca", ["-q"] + arguments, input: .pipe(rows))
      #expect(other.output == result.output && other.messages == "")
    }
  }

  @Test func savedAnalysisProjectsOtherRows() throws {
    let folder = try TemporaryFolder()
    let model = folder.path + "/rows.pca"
    let own = try run("pca", ["-q", "-k", "3", "-o", model], input: .pipe(rows))
    let again = try run("pca", ["--model", model], input: .pipe(rows))
    #expect(again.status == 0 && again.messages == "")
    #expect(again.output.count == own.output.count)
    let two = try run("pca", ["--model", model, "-k", "2", "--whiten"], input: .pipe(rows))
    #expect(two.output.starts(with: npy("<f4", "(100, 2)")))
    let many = try run("pca", ["--model", model, "-k", "4"], input: .pipe(rows))
    #expect(many.status == 65)
    #expect(many.lines == ["pca: \(model): there are at most 3 components, 4 were asked for"])
    let narrow = try run(
      "pca", ["--model", model], input: .pipe(npy("<f4", "(1, 2)", f4([1, 2]))))
    #expect(narrow.status == 65)
    #expect(narrow.lines == ["pca: standard input: row 0: expected 3 values, got 2"])
  }

  @Test func failureLeavesNoAnalysis() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      "pca", ["-k", "9", "-o", folder.path + "/x.pca"], input: .pipe(rows))
    #expect(result.status == 65 && result.output.isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [])
  }

  @Test(arguments: [["-k", "0"], ["--model", "a", "-o", "b"], ["--threads", "0"], ["a", "b"]])
  func refusesBadArguments(_ arguments: [String]) throws {
    #expect(try run("pca", arguments, input: .pipe(rows)).status == 64)
  }
}
