public import VAECore

extension Progress {
  /// Shows how far a run of t-SNE is.
  public func show(_ event: TSNEEvent, of options: TSNEOptions) {
    switch event {
    case .neighbours(let share):
      update("neighbours \(Int(share * 100)) %")
    case .iteration(let done, let divergence?) where done == options.iterations || done % 250 == 0:
      milestone("iteration \(done)/\(options.iterations)  kl \(fixed(divergence, 4))")
    case .iteration(let done, let divergence):
      let kl = divergence.map { "  kl \(fixed($0, 4))" } ?? ""
      update("iteration \(done)/\(options.iterations)\(kl)")
    }
  }
}
