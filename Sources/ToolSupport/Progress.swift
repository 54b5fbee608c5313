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

  /// Shows that a stage is done (an epoch, say), by a line that stays.
  public func milestone(_ text: String) { note(text) }

  /// Says something that stays: a warning, a result.
  public func note(_ text: String) {
    if !quiet { Console.say(text) }
  }
}
