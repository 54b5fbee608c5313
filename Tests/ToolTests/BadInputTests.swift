import Foundation
import Testing

/// A tool that reads a tensor stream, with the arguments it needs to.
struct Filter: Sendable, CustomTestStringConvertible {
  let tool: String
  var arguments: [String] = []
  /// Whether it hands values on as they are, NaN and infinities too.
  var takesAnyValue = false
  /// Whether it writes what a terminal may show.
  var writesText = false
  var testDescription: String { tool }
}

/// Every tool that reads a tensor stream of 6x6 images from standard input.
let filters = [
  Filter(tool: "png-grid"),
  Filter(tool: "vae-fit", arguments: ["--epochs", "1", "--quiet"]),
  Filter(tool: "vae-encode", arguments: [modelOf36Values]),
  Filter(tool: "vae-score", arguments: [modelOf36Values]),
  Filter(tool: "vae-page", arguments: [modelOf36Values, "--data", "-", "--quiet"]),
  Filter(tool: "sparse-code", arguments: ["-k", "4", "--quiet"]),
  Filter(tool: "lerp"),
  Filter(tool: "tensor-cat", takesAnyValue: true),
  Filter(tool: "tensor-csv", takesAnyValue: true, writesText: true),
  Filter(tool: "tensor-head", arguments: ["::2"], takesAnyValue: true),
  Filter(tool: "tensor-info", takesAnyValue: true, writesText: true),
  Filter(tool: "tensor-raw", arguments: ["--write", "f2"], takesAnyValue: true),
]

/// Damaged streams, which every reader refuses alike: status 65, one line, nothing written, and no
/// more memory than the bytes that came.
@Suite struct BadInputTests {
  private let sound = npy("<f4", "(3, 6, 6)", f4((0..<108).map { Float($0) / 108 }))

  private func expectRefusal(
    _ filter: Filter, _ stream: [UInt8], _ what: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let result = try run(filter.tool, filter.arguments, input: .pipe(stream))
    let comment = Comment(rawValue: "\(what): \(result.messages)")
    #expect(result.status == 65, comment, sourceLocation: sourceLocation)
    #expect(result.output.isEmpty, comment, sourceLocation: sourceLocation)
    #expect(result.lines.count == 1, comment, sourceLocation: sourceLocation)
    #expect(
      result.messages.hasPrefix("\(filter.tool): standard input: "), comment,
      sourceLocation: sourceLocation)
    #expect(result.peakMemory < 64 << 20, comment, sourceLocation: sourceLocation)
  }

  @Test(arguments: filters) func soundStreamIsRead(_ filter: Filter) throws {
    #expect(try run(filter.tool, filter.arguments, input: .pipe(sound)).status == 0)
  }

  @Test(arguments: filters) func cutAtAnyByte(_ filter: Filter) throws {
    for count in Array(0..<130) + stride(from: 130, to: sound.count, by: 7) + [sound.count - 1] {
      try expectRefusal(filter, Array(sound.prefix(count)), "cut at \(count)")
    }
  }

  @Test(arguments: filters) func anyHeaderByteFlipped(_ filter: Filter) throws {
    for index in 0..<128 {
      var stream = sound
      stream[index] ^= 0xff
      try expectRefusal(filter, stream, "byte \(index) flipped")
    }
  }

  @Test(arguments: filters) func claimsAreNotBelieved(_ filter: Filter) throws {
    let eight = [UInt8](repeating: 0, count: 8)
    for shape in [
      "(1000000000000,)", "(1000000000000, 6, 6)", "(1, 1000000000000)", "(1, 1000000, 1000000)",
      "(4294967296, 4294967296, 6)", "(0, 4294967296, 4294967296)", "(-1, 6, 6)",
      "(99999999999999999999, 6, 6)",
    ] {
      try expectRefusal(filter, npy("<f4", shape, eight), shape)
    }
    try expectRefusal(filter, [0, 0, 8, 3, 255, 255, 255, 255, 0, 0, 0, 6, 0, 0, 0, 6], "IDX")
  }

  @Test(arguments: filters.filter { !$0.takesAnyValue })
  func valuesMustBeFinite(_ filter: Filter) throws {
    for value in [Float.nan, .infinity, -.infinity] {
      var values = [Float](repeating: 0.5, count: 108)
      values[75] = value
      try expectRefusal(filter, npy("<f4", "(3, 6, 6)", f4(values)), "\(value)")
      let result = try run(
        filter.tool, filter.arguments, input: .pipe(npy("<f4", "(3, 6, 6)", f4(values))))
      #expect(result.messages.contains("row 2"))
    }
  }

  @Test(arguments: filters) func whatFollowsMustFit(_ filter: Filter) throws {
    try expectRefusal(filter, sound + [0], "a byte too many")
    try expectRefusal(filter, sound + Array("garbage".utf8), "garbage")
    try expectRefusal(
      filter, sound + npy("<f4", "(1, 6, 5)", f4(.init(repeating: 0, count: 30))), "shape")
    try expectRefusal(
      filter, sound + npy("|u1", "(1, 6, 6)", .init(repeating: 0, count: 36)), "type")
  }

  @Test(arguments: filters) func otherFilesAreRefused(_ filter: Filter) throws {
    try expectRefusal(filter, [], "nothing")
    try expectRefusal(filter, Array("1,2,3\n4,5,6\n".utf8), "text")
    try expectRefusal(filter, Array("\u{1f}\u{8b}\u{8}".utf8), "text")
    try expectRefusal(filter, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3], "broken gzip")
    try expectRefusal(filter, npy("|O", "(3,)", [1, 2, 3]), "objects")
    try expectRefusal(
      filter, npy("<c8", "(3, 6, 6)", f4(.init(repeating: 0, count: 216))), "complex")
  }

  // MARK: Descriptors

  @Test(arguments: filters) func descriptorsMustBeOpen(_ filter: Filter) throws {
    let unread = try run(filter.tool, filter.arguments, input: .closed)
    #expect(unread.status == 74)
    #expect(unread.messages == "\(filter.tool): standard input: is closed\n")
    let unwritten = try run(filter.tool, filter.arguments, input: .pipe(sound), output: .closed)
    #expect(unwritten.status == 74)
    #expect(unwritten.messages == "\(filter.tool): standard output: is closed\n")
    #if os(Linux)
      let full = try run(
        filter.tool, filter.arguments, input: .pipe(sound), output: .file("/dev/full"))
      #expect(full.status == 74)
      #expect(full.lines.count == 1)
    #endif
  }

  @Test(arguments: filters) func directoryIsNoStream(_ filter: Filter) throws {
    let result = try run(filter.tool, filter.arguments, input: .file("/"))
    #expect(result.status == 66)
  }

  @Test(arguments: filters) func terminalsAreRefused(_ filter: Filter) throws {
    // Who names standard input means it, even a terminal.
    if !filter.arguments.contains("-") {
      let unread = try run(filter.tool, filter.arguments, input: .terminal)
      #expect(unread.status == 64)
      #expect(unread.messages.contains("Usage: \(filter.tool)"))
    }
    let unwritten = try run(filter.tool, filter.arguments, input: .pipe(sound), output: .terminal)
    if filter.writesText {
      #expect(unwritten.status == 0)
      return
    }
    #expect(unwritten.status == 64)
    #expect(unwritten.output.isEmpty)
    let forced = try run(
      filter.tool, filter.arguments + ["--force"], input: .pipe(sound), output: .terminal)
    #expect(forced.status == 0)
  }

  @Test func missingFileIsNamed() throws {
    let result = try run("png-grid", ["/nowhere/x.npy"])
    #expect(result.status == 66)
    #expect(result.messages == "png-grid: /nowhere/x.npy: no such file\n")
  }

  @Test func readerThatLeavesEndsTheToolQuietly() throws {
    // More than a pipe holds, and nothing that compression makes small.
    var state: UInt64 = 1
    let values = (0..<2_000_000).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1
      return UInt8(state >> 56)
    }
    let stream = npy("|u1", "(2, 1000, 1000)", values)
    for ignoring in [false, true] {
      let result = try run(
        "png-grid", input: .pipe(stream), output: .head(1), ignoringBrokenPipes: ignoring)
      #expect(result.status == 141)
      #expect(result.messages == "")
    }
  }
}
