public import ArgumentParser
public import VAECore

/// The options of tools that compute on the engine.
public struct EngineOptions: ParsableArguments {
  @Option(help: "Worker threads; one for each processor when not given.")
  public var threads: Int?

  @Option(help: "What multiplications read: auto, f32 or bf16.")
  public var precision: PrecisionChoice?

  public init() {}

  public func validate() throws {
    if let threads, threads < 1 || threads > 1024 {
      throw ValidationError("--threads: expected 1 to 1024, got \(threads)")
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
