import Testing
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct AtomicFileTests {
  @Test func appearsOnCommitOnly() throws {
    try Streams.withTemporaryFolder { folder in
      let file = try AtomicFile(path: folder + "/model")
      try file.sink.write([1, 2, 3])
      let before = try Streams.names(in: folder)
      #expect(before.count == 1 && before[0].hasPrefix(".model."))
      #expect(before[0].hasSuffix(".tmp"))
      try file.commit()
      #expect(try Streams.names(in: folder) == ["model"])
      #expect(try Streams.contents(folder + "/model") == [1, 2, 3])
    }
  }

  @Test func leavesNothingWhenDropped() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1], to: folder + "/model")
      do {
        let file = try AtomicFile(path: folder + "/model")
        try file.sink.write([2])
      }
      #expect(try Streams.names(in: folder) == ["model"])
      #expect(try Streams.contents(folder + "/model") == [1])
    }
  }

  @Test func replacesWhatWasThere() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1, 2, 3], to: folder + "/model")
      try Streams.write([4], to: folder + "/model")
      #expect(try Streams.contents(folder + "/model") == [4])
    }
  }

  @Test func writesThroughSymbolicLinks() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1], to: folder + "/target")
      try #require(symlink("target", folder + "/link") == 0)
      try Streams.write([2], to: folder + "/link")
      #expect(try Streams.contents(folder + "/target") == [2])
      var status = stat()
      #expect(lstat(folder + "/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }
  }

  @Test func followsTheUmask() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1], to: folder + "/model")
      let mask = umask(0)
      umask(mask)
      var status = stat()
      #expect(stat(folder + "/model", &status) == 0)
      #expect(status.st_mode & 0o777 == 0o666 & ~mask)
    }
  }

  @Test func takesTheLongestNames() throws {
    try Streams.withTemporaryFolder { folder in
      let name = String(repeating: "n", count: 255)
      try Streams.write([1], to: folder + "/" + name)
      #expect(try Streams.names(in: folder) == [name])
    }
  }

  @Test func writesStraightToPipes() throws {
    var ends: [Int32] = [0, 0]
    try #require(pipe(&ends) == 0)
    try Streams.write([5, 6], to: "/dev/fd/\(ends[1])")
    close(ends[1])
    #expect(try Streams.contents("/dev/fd/\(ends[0])") == [5, 6])
    close(ends[0])
  }

  @Test func cannotCreateWithoutAFolder() throws {
    try Streams.withTemporaryFolder { folder in
      let missing = folder + "/none/model"
      let error = #expect(
        throws: StreamError.cannotCreate(name: missing, reason: "No such file or directory")
      ) { try AtomicFile(path: missing) }
      #expect(error?.kind == .cannotCreate)
      #expect(throws: StreamError.cannotCreate(name: folder, reason: "is a directory")) {
        try AtomicFile(path: folder)
      }
    }
  }
}
