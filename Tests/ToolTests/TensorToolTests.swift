import Foundation
import Testing

/// tensor-info, -head, -cat, -cmp, -csv and -raw, and lerp, as processes.
@Suite struct TensorToolTests {
  private let rows = npy("<f4", "(3, 2)", f4([0, 1, 2, 3, 4, 5]))
  private let bytes = npy("|u1", "(2, 2)", [0, 51, 102, 255])

  private func text(_ run: ToolRun) -> String { String(decoding: run.output, as: UTF8.self) }

  @Test func infoSaysWhatAStreamHolds() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "x.npy")
    let one = try run("tensor-info", [path])
    #expect(one.status == 0 && one.messages == "")
    #expect(
      text(one) == """
        shape   (3, 2)
        type    f4
        arrays  1
        bytes   152
        range   0 5
        mean    2.5
        std     1.707825127659933
        nans    0
        infs    0

        """)
    let two = try run("tensor-info", [path, "-"], input: .pipe(bytes))
    #expect(text(two).hasPrefix("\(path):\nshape "))
    #expect(text(two).contains("\n\nstandard input:\nshape   (2, 2)\ntype    u1\n"))
    let json = try run("tensor-info", ["--json", path, "-"], input: .pipe(bytes))
    let lines = text(json).split(separator: "\n")
    #expect(lines.count == 2)
    let facts = try JSONSerialization.jsonObject(with: Data(lines[1].utf8)) as? [String: Any]
    #expect(facts?["max"] as? Int == 255 && facts?["name"] as? String == "standard input")
  }

  @Test func headTakesACountOrASlice() throws {
    let first = npy("<f4", "(1, 2)", f4([0, 1]))
    let last = npy("<f4", "(1, 2)", f4([4, 5]))
    #expect(try run("tensor-head", ["-n", "1"], input: .pipe(rows)).output == first)
    #expect(try run("tensor-head", ["-n1"], input: .pipe(rows)).output == first)
    #expect(try run("tensor-head", [], input: .pipe(rows)).output == rows)
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "x.npy")
    for arguments in [["-1:"], ["--", "-1:"], ["2:3"], ["-q", "-1::1"], [":-2:-1", "-q"]] {
      #expect(try run("tensor-head", arguments, input: .pipe(rows)).output == last, "\(arguments)")
      #expect(
        try run("tensor-head", arguments + [path], input: .closed).output == last, "\(arguments)")
      #expect(try run("tensor-head", arguments, input: .file(path)).output == last, "\(arguments)")
    }
  }

  @Test func headRefusesWhatItCannotRead() throws {
    let wrong = [
      ["1:2", "-n", "3"], ["-n", "-1"], ["a", "b"], ["1:2", "--quite"], ["-5", "-n", "3"],
      ["-5", "a", "b"],
    ]
    for arguments in wrong {
      let result = try run("tensor-head", arguments, input: .pipe(rows))
      #expect(result.status == 64 && result.output.isEmpty, "\(arguments)")
    }
    #expect(try run("tensor-head", ["1:2:0"]).status == 66)
  }

  @Test func headLeavesTheRestUnread() throws {
    // More than a pipe holds, and nobody to take it.
    let many = npy("|u1", "(5000000,)", [UInt8](repeating: 7, count: 5_000_000))
    let result = try run("tensor-head", ["-n", "2"], input: .pipe(many))
    #expect(result.status == 0 && result.output == npy("|u1", "(2,)", [7, 7]))
  }

  @Test func catJoinsRowsAndColumns() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "x.npy")
    let twice = npy("<f4", "(6, 2)", f4([0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5]))
    #expect(try run("tensor-cat", [path, "-"], input: .pipe(rows)).output == twice)
    #expect(try run("tensor-cat", [], input: .pipe(rows + rows)).output == twice)
    let wide = npy("<f4", "(3, 4)", f4([0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5]))
    #expect(try run("tensor-cat", ["--columns", path, path], input: .closed).output == wide)
    let unit = npy("<f4", "(2, 2)", f4([0, 51 / 255, 102 / 255, 1]))
    #expect(try run("tensor-cat", ["--unit"], input: .pipe(bytes)).output == unit)
    let mixed = try run("tensor-cat", [path, "-"], input: .pipe(bytes))
    #expect(mixed.status == 65 && mixed.output.isEmpty && mixed.messages.contains("--unit"))
    #expect(try run("tensor-cat", ["-", "-"], input: .pipe(rows)).status == 64)
    #expect(try run("tensor-cat", [path, "nowhere.npy"], input: .closed).status == 66)
  }

  @Test func cmpTellsByItsStatus() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(rows, to: "x.npy")
    let other = npy("<f4", "(3, 2)", f4([0, 1, 2, 3.5, 4, 5]))
    let same = try run("tensor-cmp", [path, "-"], input: .pipe(rows))
    #expect(same.status == 0 && same.output.isEmpty && same.messages == "")
    let differs = try run("tensor-cmp", [path, "-"], input: .pipe(other))
    #expect(differs.status == 1 && differs.messages == "")
    #expect(
      text(differs)
        == "\(path) standard input differ: "
        + "1 of 6 values, most at row 1, element 1: 3 against 3.5\n")
    let quiet = try run("tensor-cmp", ["-q", path, "-"], input: .pipe(other))
    #expect(quiet.status == 1 && quiet.output.isEmpty)
    #expect(try run("tensor-cmp", ["--atol", "0.5", path, "-"], input: .pipe(other)).status == 0)
    #expect(try run("tensor-cmp", [path, "-"], input: .pipe(Array(rows.dropLast()))).status == 65)
    #expect(try run("tensor-cmp", ["--rtol=-1", path, path]).status == 64)
    #expect(try run("tensor-cmp", ["-", "-"]).status == 64)
    #expect(try run("tensor-cmp", [path, "nowhere.npy"]).status == 66)
  }

  @Test func csvGoesBothWays() throws {
    let csv = try run("tensor-csv", ["--header", "--delimiter", "tab"], input: .pipe(rows))
    #expect(text(csv) == "x0\tx1\n0\t1\n2\t3\n4\t5\n")
    let back = try run(
      "tensor-csv", ["--read", "--header", "--delimiter=tab"], input: .pipe(csv.output))
    #expect(back.output == rows)
    let pixels = try run(
      "tensor-csv", ["--read", "--type", "u1", "--shape", "1x2"], input: .pipe(Array("1,2\n".utf8)))
    #expect(pixels.output == npy("|u1", "(1, 1, 2)", [1, 2]))
    #expect(try run("tensor-csv", ["--type", "u1"], input: .pipe(rows)).status == 64)
    #expect(try run("tensor-csv", ["--delimiter", "ab"], input: .pipe(rows)).status == 64)
    let names = try run("tensor-csv", ["--read"], input: .pipe(csv.output))
    #expect(names.status == 65 && names.output.isEmpty && names.messages.contains("--header"))
  }

  @Test func rawGoesBothWays() throws {
    let data = f4([0, 1, 2, 3, 4, 5])
    #expect(try run("tensor-raw", ["f4", "2"], input: .pipe(data)).output == rows)
    #expect(try run("tensor-raw", ["--write", "f4"], input: .pipe(rows)).output == data)
    let folder = try TemporaryFolder()
    let path = try folder.write(data, to: "x.bin")
    #expect(try run("tensor-raw", ["f4", "2"], input: .file(path)).output == rows)
    #expect(
      try run("tensor-raw", ["f4", "2", "--rows", "3", "--input", path], input: .closed).output
        == rows)
    let big = try run("tensor-raw", [">u2"], input: .pipe([1, 0, 0, 1]))
    #expect(big.output == npy("<f4", "(2,)", f4([256, 1])))
    for arguments in [["f4", "4"], ["f4", "2", "--rows", "2"], ["f4", "2", "--rows", "4"]] {
      let result = try run("tensor-raw", arguments, input: .pipe(data))
      #expect(result.status == 65 && result.output.isEmpty && result.lines.count == 1)
    }
    for arguments in [["f5"], ["f4", "0"], ["f4", "9999999999", "9999999999"], []] {
      #expect(try run("tensor-raw", arguments, input: .pipe(data)).status == 64)
    }
    #expect(try run("tensor-raw", ["--write", "f4", "3"], input: .pipe(rows)).status == 65)
  }

  @Test func lerpWalksThroughTheRows() throws {
    let path = npy("<f4", "(5, 2)", f4([0, 1, 1, 2, 2, 3, 3, 4, 4, 5]))
    #expect(try run("lerp", ["--steps", "2"], input: .pipe(rows)).output == path)
    let arc = try run("lerp", ["--steps", "3", "--spherical"], input: .pipe(rows))
    #expect(arc.status == 0 && arc.output.count == 128 + 7 * 8)
    #expect(try run("lerp", ["--steps", "0"], input: .pipe(rows)).status == 64)
  }
}
