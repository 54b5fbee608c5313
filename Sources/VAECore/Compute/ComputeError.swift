/// What the machine could not do.
public enum ComputeError: Failure, Equatable {
  case outOfMemory(bytes: Int)
  /// oneDNN has no such multiplication on this processor.
  case unsupportedMatmul(m: Int, n: Int, k: Int, precision: Precision)
  case noThread(code: Int32)
  /// A library that is loaded at its first use cannot be.
  case noLibrary(name: String, reason: String)

  public var kind: FailureKind {
    switch self {
    case .outOfMemory, .noThread: .io
    case .unsupportedMatmul, .noLibrary: .unavailable
    }
  }

  public var description: String {
    switch self {
    case .outOfMemory(let bytes): "not enough memory: \(bytes) bytes asked for"
    case .unsupportedMatmul(let m, let n, let k, let precision):
      "oneDNN cannot multiply \(m)×\(k) by \(k)×\(n) in \(precision) on this machine: its processor "
        + "has no such instructions, or a policy forbids memory that is executed"
    case .noLibrary(let name, let reason): "\(name) is needed and cannot be loaded: \(reason)"
    case .noThread(let code): "cannot start a worker thread (error \(code))"
    }
  }
}
