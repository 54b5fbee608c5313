import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct ByteSinkTests {
  @Test(arguments: [1, 1000, 65_535, 65_536, 65_537, 200_000])
  func writesWhateverTheSteps(_ step: Int) throws {
    let content = Array(ByteSourceTests.content.prefix(step == 1 ? 70_000 : 700_001))
    let written = try Streams.written { sink in
      for start in stride(from: 0, to: content.count, by: step) {
        try sink.write(Array(content[start..<min(start + step, content.count)]))
      }
    }
    #expect(written == content)
  }

  #if os(Linux)
    @Test func reportsAFullDevice() throws {
      let expected = StreamError.writeFailed(name: "/dev/full", reason: "No space left on device")
      #expect(expected.kind == .io)
      // At the latest by `finish`, at once for what the buffer does not hold.
      let small = try AtomicFile(path: "/dev/full")
      try small.sink.write([1])
      #expect(throws: expected) { try small.commit() }
      let large = try AtomicFile(path: "/dev/full")
      #expect(throws: expected) { try large.sink.write([UInt8](repeating: 0, count: 100_000)) }
    }
  #endif

  @Test func reportsAReaderThatHasGone() throws {
    signal(SIGPIPE, SIG_IGN)
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    let path = "/dev/fd/\(ends[1])"
    let file = try AtomicFile(path: path)
    close(ends[0])
    #expect(throws: StreamError.brokenPipe(name: path)) {
      try file.sink.write([1])
      try file.sink.flush()
    }
    close(ends[1])
  }
}
