/// What the machine could not do.
public enum ComputeError: Failure, Equatable {
  case outOfMemory(bytes: Int)
  /// oneDNN has no such multiplication on this processor.
  case unsupportedMatmul(m: Int, n: Int, k: Int, precision: Precision)
  case noThread(code: Int32)

  public var kind: FailureKind {
    switch self {
    case .outOfMemory, .noThread: .io
    case .unsupportedMatmul: .bug
    }
  }

  public var description: String {
    switch self {
    case .outOfMemory(let bytes): "not enough memory: \(bytes) bytes asked for"
    case .unsupportedMatmul(let m, let n, let k, let precision):
      "oneDNN cannot multiply \(m)×\(k) by \(k)×\(n) in \(precision) here"
    case .noThread(let code): "cannot start a worker thread (error \(code))"
    }
  }
}
