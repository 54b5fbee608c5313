import Foundation
import Testing
import VAECore

struct StateDictionaryTests {
  private let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Goldens/import")

  private func bytes(_ file: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(file)))
  }

  private func read(_ bytes: [UInt8]) throws -> StateDictionary {
    try StateDictionary(ByteSource(bytes: bytes, name: "x.pt", pieceSize: 1000))
  }

  @Test func bothFormatsHoldTheSameTensors() throws {
    let pickled = try read(try bytes("vae.pt"))
    let plain = try read(try bytes("vae.safetensors"))
    #expect(pickled.shapes == plain.shapes && pickled.shapes.count == 10)
    #expect(pickled.shapes["fc1.weight"] == [6, 12])
    for name in pickled.shapes.keys { #expect(try pickled.floats(name) == plain.floats(name)) }
    #expect(throws: SafetensorsError.missing(name: "x.pt", tensor: "fc9")) {
      try pickled.floats("fc9")
    }
  }

  /// What a checkpoint holds beside tensors is passed over; dictionaries in dictionaries are joined.
  @Test func checkpointsAreFlattened() throws {
    let checkpoint = try read(try bytes("normed.pt"))
    #expect(checkpoint.shapes["net.encoder.0.norm.running_var"] == [6])
    #expect(checkpoint.shapes["net.encoder.0.norm.num_batches_tracked"] == [])
    #expect(checkpoint.shapes["optimizer.state.0.exp_avg"] == [6, 12])
    #expect(checkpoint.shapes["epoch"] == nil)
    #expect(throws: SafetensorsError.self) {
      try checkpoint.floats("net.encoder.0.norm.num_batches_tracked")
    }
  }

  /// Nothing that is wrong with a file ends in anything but an error, or tensors that are the file's.
  @Test func damagedFilesAreErrors() throws {
    let sound = try bytes("vae.pt")
    func look(_ bytes: [UInt8]) {
      guard let read = try? read(bytes) else { return }
      for name in read.shapes.keys { _ = try? read.floats(name) }
    }
    for count in stride(from: 0, to: sound.count, by: 5) {
      let cut = Array(sound.prefix(count))
      #expect(throws: (any Error).self, "cut at \(count)") { try read(cut) }
    }
    for index in sound.indices {
      for mask: UInt8 in [0x01, 0x80, 0xff] {
        var changed = sound
        changed[index] ^= mask
        look(changed)
      }
    }
  }

  /// What ends level by level would go past the end of the stack.
  @Test(arguments: ["tuples", "lists", "dictionaries", "chain", "ring"])
  func depthIsNoHarm(_ kind: String) throws {
    let depth = 300_000
    let levels: [UInt8] =
      switch kind {
      case "tuples": Array(")".utf8) + [UInt8](repeating: 0x85, count: depth)
      case "lists":
        [UInt8](repeating: UInt8(ascii: "]"), count: depth)
          + [UInt8](repeating: UInt8(ascii: "a"), count: depth - 1)
      case "dictionaries":
        Array(String(repeating: "}K0", count: depth).utf8) + Array("N".utf8)
          + [UInt8](repeating: UInt8(ascii: "s"), count: depth)
      // Each list is put into the last while it is empty still: ]( q0 ]q1 a h1 ]q1 a …
      case "chain":
        Array("]q\u{0}".utf8)
          + (0..<depth).flatMap { _ in Array("h\u{0}]q\u{0}a".utf8) }
      default: Array("]q\u{0}h\u{0}a".utf8)
      }
    let pickle = [0x80, 2] + levels + Array(".".utf8)
    if kind == "tuples" || kind == "chain" {
      #expect(throws: (any Error).self) { try readPickle(pickle) }
    } else {
      try readPickle(pickle)
    }
  }

  /// Instructions in any order and number.
  @Test func arbitraryPicklesAreErrors() throws {
    let codes =
      Array("cqrh(t}]aesuXKMJGNQRb.)j\n".utf8) + [0x80, 0x85, 0x86, 0x87, 0x8c, 0x94, 0x8a, 0x93]
    let sound = try bytes("bad/eval.pt")
    let marker = Array("c__builtin__\neval\n".utf8)
    let start = try #require(sound.indices.first { sound[$0...].starts(with: marker) })
    var state: UInt32 = 7
    for _ in 0..<5000 {
      var changed = sound
      for index in start..<(start + 30) {
        state = state &* 1_664_525 &+ 1_013_904_223
        changed[index] = codes[Int(state >> 8) % codes.count]
      }
      // Its checksum is no longer right, which is found before the pickle is read; so that is read
      // by itself.
      let pickle = Array(changed[start..<(start + 30)])
      #expect(throws: (any Error).self) { try readPickle(pickle) }
    }
  }
}
