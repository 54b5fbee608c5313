public import VAECore

extension Progress {
  /// Shows how far a training run is.
  public func show(_ event: TrainingEvent) {
    switch event {
    case .steps:
      break
    case .progress(let epoch, let share, let loss, let rate, let left):
      update(
        "epoch \(epoch) \(Int(share * 100)) %  loss \(fixed(loss, 2))  \(whole(rate)) rows/s  "
          + "\(duration(left)) left")
    case .epoch(let report, let seconds, let rate):
      let losses = report.training
      var line = "epoch \(report.epoch)/\(report.epochs)  loss \(fixed(losses.loss, 2))"
      for name in losses.terms.keys.sorted(by: >) {
        line +=
          "  \(name == Losses.reconstruction ? "recon" : name) \(fixed(losses.terms[name, default: 0], 2))"
      }
      line += bits(losses)
      if let validation = report.validation {
        line += "  valid \(fixed(validation.loss, 2))\(bits(validation))"
      }
      line += "  active \(report.activeUnits)/\(report.latent)"
      milestone("\(line)  \(fixed(seconds, 2)) s  \(whole(rate)) rows/s")
    }
  }
}

/// Bits a dimension, where they are given.
private func bits(_ losses: Losses) -> String {
  losses.bitsPerDimension.map { "  \(fixed($0, 3)) bits/dim" } ?? ""
}

private func whole(_ value: Double) -> String {
  value.isFinite && value < 1e15 ? "\(Int(value))" : "?"
}

/// Seconds as `1:02:03`, `2:03` or `3 s`.
func duration(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let whole = Int(seconds.rounded(.up))
  func two(_ n: Int) -> String { n < 10 ? "0\(n)" : "\(n)" }
  if whole < 60 { return "\(whole) s" }
  let (minutes, rest) = (whole / 60, whole % 60)
  return minutes < 60
    ? "\(minutes):\(two(rest))" : "\(minutes / 60):\(two(minutes % 60)):\(two(rest))"
}
