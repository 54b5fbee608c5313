#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where the sets of digits are looked for.
public struct DigitFolders: Sendable {
  private let environment: [String: String]
  private let executable: String?

  /// The folders of this process.
  public init() {
    let names = ["MNIST_DIR", "XDG_DATA_HOME", "HOME"]
    let values = names.compactMap { name in getenv(name).map { (name, String(system: $0)) } }
    self.init(
      environment: Dictionary(uniqueKeysWithValues: values), executable: Self.executablePath)
  }

  /// - Parameter executable: the path of the running program, beside which the drawn digits are.
  package init(environment: [String: String], executable: String?) {
    self.environment = environment.filter { !$0.value.isEmpty }
    self.executable = executable
  }

  /// The folders that may hold `set`, the first first.
  public func candidates(for set: DigitSet) -> [String] {
    var folders: [String] = []
    if set == .mnist, let folder = environment["MNIST_DIR"] { folders.append(folder) }
    if let data = dataHome { folders.append("\(data)/vae-tools/\(set)") }
    if set == .digits { folders += embedded }
    return folders
  }

  /// The folder of user data, by the XDG base directory specification, which has relative paths
  /// ignored.
  private var dataHome: String? {
    if let folder = environment["XDG_DATA_HOME"], folder.hasPrefix("/") { return folder }
    return environment["HOME"].map { "\($0)/.local/share" }
  }

  /// The drawn digits, beside the installed program (PREFIX/bin and PREFIX/share), or in the source
  /// tree the program was built in.
  private var embedded: [String] {
    guard let executable else { return [] }
    var folder = parent(executable)
    let installed = "\(parent(folder))/share/vae-tools/digits"
    while !folder.isEmpty {
      let drawn = "\(folder)/Samples/digits"
      if drawn.withSystemText({ access($0, F_OK) }) == 0 { return [installed, drawn] }
      folder = parent(folder)
    }
    return [installed]
  }

  private func parent(_ path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  /// The running program's own path, links resolved.
  private static var executablePath: String? {
    #if os(Linux)
      let path = realpath("/proc/self/exe", nil)
    #else
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
      var size = UInt32(buffer.count)
      guard _NSGetExecutablePath(&buffer, &size) == 0 else { return nil }
      let path = realpath(buffer, nil)
    #endif
    guard let path else { return nil }
    defer { free(path) }
    return String(system: path)
  }
}
