import VAECore

/// What a long run shows on standard error: a line at each milestone, and between those on a
/// terminal one that is rewritten as things move.
public final class Progress {
  private let quiet: Bool
  private let terminal: Bool
  private var lastShown: ContinuousClock.Instant?

  init(quiet: Bool) {
    self.quiet = quiet
    terminal = Console.isTerminal
  }

  /// Shows how things stand, at most ten times a second; on terminals only. The text is made only
  /// when it is shown.
  public func update(_ text: @autoclosure () -> String) {
    guard terminal && !quiet else { return }
    let now = ContinuousClock.now
    if let lastShown, lastShown.duration(to: now) < .milliseconds(100) { return }
    lastShown = now
    Console.rewrite(text())
  }

  /// What shows how many rows are done and how fast, once that has taken a second. Not where the
  /// output goes into a pipe, behind which another tool may show the same.
  ///
  /// - Parameter declared: the rows that are known to come; there may be more.
  public func rows(of declared: Int) -> (_ done: Int) -> Void {
    guard terminal && !quiet && !Console.outputIsPipe else { return { _ in } }
    let start = ContinuousClock.now
    return { done in
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      guard seconds >= 1 else { return }
      let rate = Double(done) / seconds
      let speed = "\(fixed(rate, 0)) rows/s"
      self.update(
        done <= declared
          ? "\(100 * done / declared) %  \(speed)  \(duration(Double(declared - done) / rate)) left"
          : "\(done) rows  \(speed)")
    }
  }

  /// Shows that a stage is done (an epoch, say), by a line that stays.
  public func milestone(_ text: String) { note(text) }

  /// Says something that stays: a warning, a result.
  public func note(_ text: String) {
    if !quiet { Console.say(text) }
  }
}
