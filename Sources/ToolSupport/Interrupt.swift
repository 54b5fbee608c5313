import Synchronization
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Lets a long run end in order when it is interrupted.
///
/// The first signal is only taken note of: the run asks between its steps, saves what it has to,
/// and returns. A second one ends the process at once, and so does the first where nobody holds.
/// Either way the process ends by the signal, with the status that the shell expects.
public enum Interrupt {
  /// The signal that came while signals were held; 0 is none.
  private static let caught = Atomic<Int32>(0)

  /// From here on SIGINT, SIGTERM and SIGHUP wait for `release()`. Comes after the input is read,
  /// since a wait for input would not be ended.
  public static func hold() {
    caught.store(0, ordering: .relaxed)  // makes it now, not inside a signal handler
    handle { number in
      if Interrupt.caught.exchange(number, ordering: .relaxed) != 0 { Interrupt.end(by: number) }
    }
  }

  /// Whether a signal waits.
  public static var requested: Bool { caught.load(ordering: .relaxed) != 0 }

  /// Ends the process by the signal that waits; without one, lets the next end it.
  public static func release() {
    let waiting = caught.load(ordering: .relaxed)
    handle { number in Interrupt.end(by: number) }
    if waiting != 0 { end(by: waiting) }
  }

  /// Has the signals handled that a user, a scheduler or a closing terminal ends a process by. One
  /// that the process was started to ignore (by `nohup`, or a shell's `&`) stays ignored.
  private static func handle(_ handler: @escaping @convention(c) (Int32) -> Void) {
    for ending in [SIGINT, SIGTERM, SIGHUP] where !Process.isIgnored(ending) {
      signal(ending, handler)
    }
  }

  private static func end(by number: Int32) {
    AtomicFile.removeAllTemporaries()
    signal(number, SIG_DFL)
    raise(number)  // delivered when a handler returns
  }
}
