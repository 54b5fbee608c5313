/// What a file is by its first bytes, in words such as `a PNG picture`; nil for what is not known.
package func kindOfFile(_ head: some Collection<UInt8>) -> String? {
  let head = Array(head.prefix(16))
  if head.isEmpty { return "no data" }
  if let known = marks.first(where: { head.starts(with: $0.mark) }) { return known.kind }
  switch (head[0], head.count > 1 ? head[1] : 0) {
  case (0x80, 2...5): return "a Python pickle"
  case (0, 0) where head.count > 3 && 8...14 ~= head[2] && 1...4 ~= head[3]: return "an IDX file"
  default: break
  }
  // A short header's length, then JSON.
  if head.count > 8, head[8] == UInt8(ascii: "{"), head[4..<8].allSatisfy({ $0 == 0 }) {
    return "a safetensors file, such as a model"
  }
  let isText = head.allSatisfy { 0x20...0x7e ~= $0 || 9...13 ~= $0 }
  return isText ? (head[0] == UInt8(ascii: "{") ? "JSON" : "text") : nil
}

private let marks: [(mark: [UInt8], kind: String)] = [
  ([0x93] + Array("NUMPY".utf8), "a NumPy array"),
  ([0x89] + Array("PNG".utf8), "a PNG picture"),
  ([0x89] + Array("HDF".utf8), "an HDF5 file"),
  ([0xff, 0xd8, 0xff], "a JPEG picture"),
  (Array("GIF8".utf8), "a GIF picture"),
  (Array("PK".utf8) + [3, 4], "a zip archive, as .pt and .npz files are"),
  ([0x1f, 0x8b], "a gzip file"),
  (Array("%PDF".utf8), "a PDF file"),
]
