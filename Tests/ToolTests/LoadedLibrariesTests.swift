import Foundation
import Testing

#if canImport(Glibc)
  /// Small tools stay small: large libraries are loaded by those that call them, and only then.
  @Suite struct LoadedLibrariesTests {
    private let rows = npy("<f4", "(4, 3, 3)", f4((0..<36).map { Float(($0 * 7) % 11) }))

    /// What the dynamic linker loads in a run: names of files, from `calling init: /lib/x.so.1`.
    private func libraries(_ tool: String, _ arguments: [String]) throws -> Set<String> {
      var environment = ProcessInfo.processInfo.environment
      environment["LD_DEBUG"] = "files"
      let result = try run(tool, arguments, input: .pipe(rows), environment: environment)
      #expect(result.status == 0)
      let loaded = result.lines.filter { $0.contains("calling init: ") }
        .compactMap { $0.split(separator: "/").last.map(String.init) }
      #expect(loaded.contains { $0.hasPrefix("libc.so") })
      return Set(loaded.compactMap { $0.split(separator: ".").first.map(String.init) })
    }

    private let large: Set = [
      "libdnnl", "libgomp", "libOpenCL", "liblapack", "libblas", "libgfortran", "libcairo",
    ]

    @Test(arguments: [
      ("tensor-info", []), ("tensor-csv", []), ("lerp", []), ("png-grid", []),
      ("frechet", ["--help"]), ("vae-fit", ["--version"]), ("png-cat", ["--help"]),
      ("vae-page", ["--help"]),
    ])
    func lightToolsLoadNoLargeLibrary(_ tool: String, _ arguments: [String]) throws {
      #expect(try libraries(tool, arguments).isDisjoint(with: large))
    }

    @Test func heavyToolsLoadWhatTheyCall() throws {
      let pca = try libraries("pca", ["-q", "-k", "2"])
      #expect(pca.contains("liblapack") && !pca.contains("libcairo"))
    }
  }
#endif
