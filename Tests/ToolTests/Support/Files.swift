import Foundation
import Testing

/// The source tree the tests were built from.
let repository = URL(fileURLWithPath: #filePath)
  .deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent()

/// The folder of the built tools, which is that of the tests.
let products: URL = {
  #if os(Linux)
    return URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
      .deletingLastPathComponent()
  #else
    let bundle = Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }
    return (bundle ?? Bundle.main).bundleURL.deletingLastPathComponent()
  #endif
}()

/// The names of all tools: the folders of Sources that begin with a small letter.
let toolNames: [String] = {
  let folders = try? FileManager.default.contentsOfDirectory(
    atPath: repository.appendingPathComponent("Sources").path)
  return (folders ?? []).filter { $0.first?.isLowercase ?? false }.sorted()
}()

/// A file below Tests/Goldens.
func golden(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: goldens.appendingPathComponent(path)))
}

let goldens = repository.appendingPathComponent("Tests/Goldens")

/// A new folder that is removed when this is dropped.
final class TemporaryFolder {
  let path: String

  init() throws {
    let folder = FileManager.default.temporaryDirectory
      .appendingPathComponent("vae-tools-tests-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    path = folder.path
  }

  deinit {
    try? FileManager.default.removeItem(atPath: path)
  }

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    let file = "\(path)/\(name)"
    try FileManager.default.createDirectory(
      atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(fileURLWithPath: file))
    return file
  }
}

/// A `.npy` array as `np.save` writes it.
func npy(_ descriptor: String, _ shape: String, _ data: [UInt8] = []) -> [UInt8] {
  let text = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(shape), }"
  let length = (10 + text.utf8.count + 1 + 63) / 64 * 64
  let padding = String(repeating: " ", count: length - 11 - text.utf8.count)
  let size = UInt16(length - 10)
  return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 255), UInt8(size >> 8)]
    + Array((text + padding + "\n").utf8) + data
}

/// Floats as little-endian f4.
func f4(_ values: [Float]) -> [UInt8] {
  values.flatMap { value in
    (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
  }
}
