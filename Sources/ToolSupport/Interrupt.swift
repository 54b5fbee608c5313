#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Lets a long run end in order when it is interrupted.
///
/// The signals are blocked, so that they wait; the run asks between its steps whether one does,
/// saves what it has to, and returns. When the tool is done the signal is let through, and ends the
/// process as it always would have, with the status the shell expects. Nothing that must be whole
/// can be cut short in between.
public enum Interrupt {
  /// The signals that waited before `hold()`; nil when nothing is held. Main thread only.
  nonisolated(unsafe) private static var before: sigset_t?

  /// From here on SIGINT, SIGTERM and SIGHUP wait for `release()`. Threads inherit this from the
  /// one that makes them, so it comes before any worker is started; and after the input is read,
  /// since a wait for input would not be ended either.
  public static func hold() {
    guard before == nil else { return }
    var held = sigset_t()
    sigemptyset(&held)
    for signal in Process.endings where !Process.isIgnored(signal) {
      sigaddset(&held, signal)
    }
    var old = sigset_t()
    if pthread_sigmask(SIG_BLOCK, &held, &old) == 0 { before = old }
  }

  /// Whether a signal waits. Costs one system call: for every step, not for every row.
  public static var requested: Bool {
    var pending = sigset_t()
    guard before != nil, sigpending(&pending) == 0 else { return false }
    return Process.endings.contains { sigismember(&pending, $0) == 1 }
  }

  /// Lets the waiting signal through, which ends the process; without one, does nothing.
  public static func release() {
    guard var old = before else { return }
    before = nil
    pthread_sigmask(SIG_SETMASK, &old, nil)
  }
}
