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
      #expect(try Streams.names(in: folder).isEmpty)
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

  @Test func keepsModeAndOwner() throws {
    try Streams.withTemporaryFolder { folder in
      try Streams.write([1], to: folder + "/model")
      try #require(chmod(folder + "/model", 0o640) == 0)
      if geteuid() == 0 { try #require(chown(folder + "/model", 12, 34) == 0) }
      var (before, after) = (stat(), stat())
      try #require(stat(folder + "/model", &before) == 0)
      try Streams.write([2], to: folder + "/model")
      try #require(stat(folder + "/model", &after) == 0)
      #expect(after.st_ino != before.st_ino)
      #expect(after.st_mode == before.st_mode)
      #expect(after.st_uid == before.st_uid && after.st_gid == before.st_gid)
    }
  }

  @Test func makesWhatADanglingLinkNames() throws {
    try Streams.withTemporaryFolder { folder in
      try #require(mkdir(folder + "/there", 0o777) == 0)
      try #require(symlink("there/model", folder + "/link") == 0)
      try Streams.write([3], to: folder + "/link")
      #expect(try Streams.contents(folder + "/there/model") == [3])
      var status = stat()
      #expect(lstat(folder + "/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
    }
  }

  @Test(arguments: ["nosuch/", "nosuch/model", ""]) func failsAtOnce(_ path: String) throws {
    #expect(throws: StreamError.self) { try AtomicFile(path: path) }
  }

  @Test func namesAreBytes() throws {
    try Streams.withTemporaryFolder { folder in
      let name: [UInt8] = [0x66, 0xff, 0xf4, 0x8f, 0xbe, 0x80, 0xc3]
      let path = folder + "/" + String(system: name)
      try Streams.write([7], to: path)
      #expect(try Streams.contents(path) == [7])
      let raw = (folder.utf8 + [0x2f] + name + [0]).map { CChar(bitPattern: $0) }
      #expect(access(raw, F_OK) == 0)
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
