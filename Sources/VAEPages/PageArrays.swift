import FoundationEssentials
import VAECore

/// The page's arrays, one after the other, each beginning at a multiple of four bytes, as the typed
/// arrays of JavaScript want it.
struct PageArrays {
  struct Entry: Encodable {
    /// u8, f16 or f32, little-endian.
    let type: String
    let shape: [Int]
    let offset: Int
  }

  private(set) var entries: [String: Entry] = [:]
  private var bytes: [UInt8] = []

  mutating func add(_ name: String, _ values: [UInt8], shape: [Int]) {
    entries[name] = Entry(type: "u8", shape: shape, offset: bytes.count)
    bytes += values
    bytes += [UInt8](repeating: 0, count: -bytes.count & 3)
  }

  mutating func add(_ name: String, _ values: [Float], shape: [Int], asHalves: Bool = false) {
    var encoder = RawEncoder(RawType(asHalves ? .f2 : .f4))
    values.withUnsafeBufferPointer { encoder.encode($0) }
    add(name, encoder.bytes, shape: shape)
    entries[name] = Entry(
      type: asHalves ? "f16" : "f32", shape: shape, offset: entries[name]?.offset ?? 0)
  }

  /// All arrays as text.
  var base64: [UInt8] { [UInt8](Data(bytes).base64EncodedData()) }
}
