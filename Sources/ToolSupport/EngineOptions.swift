public import ArgumentParser
public import VAECore

/// How many threads a tool computes on.
public struct WorkerOptions: ParsableArguments {
  @Option(help: "Worker threads; one for each core when not given.")
  public var threads: Int?

  public init() {}

  public func validate() throws {
    if let threads, !(1...1024 ~= threads) {
      throw ValidationError("--threads: expected 1 to 1024, got \(threads)")
    }
  }

  /// Starts the threads.
  public func pool() throws -> WorkerPool { try WorkerPool(threads: threads) }
}

/// The options of tools that compute on the engine.
public struct EngineOptions: ParsableArguments {
  @OptionGroup var workers: WorkerOptions

  @Option(help: "What multiplications read: auto, f32 or bf16.")
  public var precision: PrecisionChoice?

  public init() {}

  /// Starts the threads.
  public func pool() throws -> WorkerPool { try workers.pool() }

  public func validate() throws {
    if precision == .bf16 && !Precision.bf16.isAvailable {
      throw ValidationError("--precision bf16: this processor does not multiply bfloat16")
    }
  }

  /// The precision asked for, or `standard` where none was.
  public func precision(or standard: Precision) -> Precision {
    switch precision {
    case .auto: .fastest
    case .f32: .f32
    case .bf16: .bf16
    case nil: standard
    }
  }
}

public enum PrecisionChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
  case auto, f32, bf16
}
