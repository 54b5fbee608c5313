import CKernels

/// What this process may compute on.
package struct Processors {
  /// The numbers of the processors that it may run on.
  let numbers: [Int]
  /// Where the system says what there is; another folder in tests.
  let root: String

  package static var ours: Processors {
    var numbers = [Int32](repeating: 0, count: 1024)
    let count = Int(vt_processors(&numbers, Int32(numbers.count)))
    return Processors(numbers[..<count].map { Int($0) })
  }

  package init(_ numbers: [Int], root: String = "") {
    self.numbers = numbers
    self.root = root
  }

  /// The threads to compute on: one a core, as two on one core share its units, and no more than
  /// the processor time that the process is allowed, which workers beyond it would only wait for.
  package var threads: Int { max(1, min(cores, quota ?? .max)) }

  /// Cores among the processors; where the system does not say, each is one.
  private var cores: Int {
    Set(
      numbers.map { number in
        text("/sys/devices/system/cpu/cpu\(number)/topology/thread_siblings_list") ?? "\(number)"
      }
    ).count
  }

  /// The processors that its control groups allow it the time of, rounded up; nil for all.
  private var quota: Int? {
    let groups = (text("/proc/self/cgroup") ?? "").split(separator: "\n")
    let limits = groups.flatMap { line -> [Double] in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return [] }
      let folders = Self.folders(to: String(parts[2]))
      if parts[1].isEmpty {  // version 2
        return folders.compactMap { folder in
          share(text("/sys/fs/cgroup\(folder)/cpu.max"))
        }
      }
      guard parts[1].split(separator: ",").contains("cpu") else { return [] }
      return folders.compactMap { folder in
        let group = "/sys/fs/cgroup/cpu\(folder)/cpu.cfs_"
        guard let quota = text(group + "quota_us"), let period = text(group + "period_us") else {
          return nil
        }
        return share("\(quota) \(period)")
      }
    }
    return limits.min().map { Int(min($0.rounded(.up), 1e6)) }
  }

  /// `/a/b` and all above it: each may have a limit of its own. A container sees its group as `/`.
  private static func folders(to path: String) -> [String] {
    var folders = [""]
    for name in path.split(separator: "/") where name != ".." {
      folders.append("\(folders[folders.count - 1])/\(name)")
    }
    return folders
  }

  /// `quota period` in microseconds, as processors; nil for `max`.
  private func share(_ text: String?) -> Double? {
    let numbers = (text ?? "").split(separator: " ").map { Double($0) }
    guard numbers.count == 2, let quota = numbers[0], let period = numbers[1], quota > 0,
      period > 0
    else { return nil }
    return quota / period
  }

  /// What a small file says, white space around it left off; nil where there is none.
  private func text(_ path: String) -> String? {
    guard let source = try? ByteSource(path: root + path), let bytes = try? source.peek(1 << 14)
    else { return nil }
    var text = Substring(decoding: bytes, as: UTF8.self)
    while text.last?.isWhitespace == true { text.removeLast() }
    return text.isEmpty ? nil : String(text)
  }
}
