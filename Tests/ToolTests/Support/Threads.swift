import Foundation

/// A thread that can be waited for.
final class Thread: @unchecked Sendable {
  private let done = DispatchSemaphore(value: 0)

  init(_ body: @escaping () -> Void) {
    nonisolated(unsafe) let body = body
    Foundation.Thread.detachNewThread { [done] in
      body()
      done.signal()
    }
  }

  func join() { done.wait() }
}

/// Kills a process that hangs.
final class Watchdog: Sendable {
  private let stopped = DispatchSemaphore(value: 0)

  init(_ child: pid_t, seconds: Int) {
    Foundation.Thread.detachNewThread { [stopped] in
      if stopped.wait(timeout: .now() + .seconds(seconds)) == .timedOut { kill(child, SIGKILL) }
    }
  }

  func stop() { stopped.signal() }
}

/// Looks again and again at how much memory a process has had. What the system says when it has
/// ended is no use: on Linux that counts the memory of the tests, which it was born with.
final class MemoryGauge: @unchecked Sendable {
  private let stopped = DispatchSemaphore(value: 0)
  private let done = DispatchSemaphore(value: 0)
  private var peak = 0
  private static let tests = try? FileManager.default.destinationOfSymbolicLink(
    atPath: "/proc/self/exe")

  init(_ child: pid_t) {
    Foundation.Thread.detachNewThread { [self] in
      repeat { look(at: child) } while stopped.wait(timeout: .now() + .milliseconds(2)) == .timedOut
      done.signal()
    }
  }

  /// The peak, in bytes.
  func stop() -> Int {
    stopped.signal()
    done.wait()
    return peak
  }

  private func look(at child: pid_t) {
    // Until it has become the tool, a child is a copy of the tests, with their memory.
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(child)/exe")
    guard let program, program != Self.tests,
      let file = fopen("/proc/\(child)/status", "r")
    else { return }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, 256, file) != nil {
      let words = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
        .split(separator: "\t")
      if words.first == "VmHWM:", let number = words.last?.split(separator: " ").first {
        peak = max(peak, (Int(number) ?? 0) * 1024)
      }
    }
  }
}
