import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct ByteSourceTests {
  /// More than the buffers hold, and no period that a power of two hides.
  static let content = (0..<700_001).map { UInt8(truncatingIfNeeded: $0 % 251) }

  @Test(arguments: [1000, 65_536, 262_144, 700_001])
  func readsWhateverTheSteps(_ step: Int) throws {
    for pieceSize in [997, 65_536, Int.max] {
      let source = ByteSource(bytes: Self.content, name: "x", pieceSize: pieceSize)
      #expect(try Streams.all(source, step: step) == Self.content)
      #expect(source.position == Self.content.count)
    }
  }

  @Test func peeksWithoutTaking() throws {
    let source = ByteSource(bytes: [1, 2, 3], name: "x", pieceSize: 1)
    #expect(try source.peek(2) == [1, 2])
    #expect(try source.peek(1) == [1])
    #expect(try source.peek(9) == [1, 2, 3])
    #expect(source.position == 0)
    #expect(try Streams.all(source) == [1, 2, 3])
    #expect(try source.peek(1) == [])
  }

  @Test(arguments: 0..<5) func readsShortFiles(_ count: Int) throws {
    let bytes = Array(Self.content.prefix(count))
    #expect(try Streams.all(ByteSource(bytes: bytes, name: "x")) == bytes)
    try Streams.withTemporaryFolder { folder in
      try Streams.write(bytes, to: folder + "/x")
      #expect(try Streams.contents(folder + "/x") == bytes)
    }
  }

  @Test func readsFiles() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write(Self.content, to: folder + "/x")
      #expect(try Streams.contents(folder + "/x") == Self.content)
    }
  }

  @Test func tellsMissingFiles() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([], to: folder + "/file")
      for path in [folder + "/none", folder + "/file/below"] {
        let error = #expect(throws: StreamError.notFound(name: path)) { try ByteSource(path: path) }
        #expect(error?.kind == .noInput)
      }
      #expect(throws: StreamError.isDirectory(name: folder)) { try ByteSource(path: folder) }
    }
  }

  @Test(.enabled("root may read anything", { geteuid() != 0 }))
  func tellsUnreadableFiles() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1], to: folder + "/x")
      chmod(folder + "/x", 0)
      let error = #expect(throws: StreamError.self) { try ByteSource(path: folder + "/x") }
      #expect(error?.kind == .noInput)
      #expect(error?.description.hasSuffix("cannot be opened: Permission denied") == true)
    }
  }
}
