import ArgumentParser
public import VAECore

extension StreamOptions {
  /// A file to be written whole or not at all; none, or `-`, is standard output.
  public func file(_ path: String?) throws -> AtomicFile? {
    try path.flatMap { $0 == "-" ? nil : try AtomicFile(path: $0) }
  }

  /// Opens a log; `-` is standard output, where nothing else is written.
  public func log(_ path: String?, continued: Bool = false, beside output: String? = nil) throws
    -> LineFile?
  {
    if path == "-", output ?? "-" == "-" {
      throw ValidationError("--log -: standard output is taken; name a file")
    }
    return try path.map { try LineFile(path: $0, continued: continued) }
  }

  /// - Throws: a usage error where two of these are one file, which writing one of them would
  ///   destroy. Devices and `-` may be used twice.
  public func requireApart(_ files: (what: String, path: String?)...) throws {
    for (index, a) in files.enumerated() {
      for b in files[..<index] {
        if let one = a.path, let other = b.path, isSameFile(one, other) {
          throw ValidationError("\(b.what) and \(a.what) are the same file, \(one)")
        }
      }
    }
  }
}
