import VAECore

/// Files by torch.save: zip archives of a pickle and of the values of tensors.
func torchTarget(_ bytes: [UInt8]) throws {
  readTensors(bytes)
  // The bytes as a pickle, in an archive that is sound.
  _ = attempt { try readPickle(bytes) }
  readTensors(zip([("a/data.pkl", bytes), ("a/data/0", [UInt8](repeating: 0, count: 64))]))

  var choices = Choices(bytes)
  let shapes = (0..<(1 + choices.below(3))).map { _ in
    (0..<choices.below(4)).map { _ in choices.below(4) }
  }
  let counts = shapes.map { $0.reduce(1, *) }
  let data = counts.map { count in choices.bytes(4 * count).map { $0 & 0x3f } }  // no NaN
  /// An archive of these tensors; the pickle says of each storage that it has so many values.
  func archive(_ counts: [Int], _ data: [[UInt8]], shapes: [[Int]]) -> [UInt8] {
    let tensors = shapes.indices.flatMap { tensor($0, count: counts[$0], shape: shapes[$0]) }
    let pickle = [0x80, 2] + Array("}(".utf8) + tensors + Array("u.".utf8)
    return zip([("a/data.pkl", pickle)] + data.indices.map { ("a/data/\($0)", data[$0]) })
  }
  let file = archive(counts, data, shapes: shapes)
  let good = sound("a state dictionary") {
    try StateDictionary(ByteSource(bytes: file, name: "input", pieceSize: 9))
  }
  for index in shapes.indices {
    expect(good.shapes["t\(index)"] == shapes[index], "a tensor's shape differs")
    let stored = sound("a tensor") { try good.floats("t\(index)") }.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }
    expect(stored == data[index], "a tensor's values differ")
  }

  let last = shapes.count - 1
  func refuse(_ what: String, _ bytes: [UInt8]) {
    expectRefusal(what) {
      let read = try StateDictionary(ByteSource(bytes: bytes, name: "input"))
      for index in shapes.indices { _ = try read.floats("t\(index)") }
    }
  }
  var (more, taller) = (counts, shapes)
  more[last] += 1
  refuse("a storage of fewer values than the pickle says", archive(more, data, shapes: shapes))
  taller[last].append(2)
  if counts[last] > 0 {
    refuse("a tensor of more values than its storage", archive(counts, data, shapes: taller))
  }
  refuse("an archive without its end", Array(file.dropLast()))
  if let place = file.indices.dropLast().first(where: {
    Array(file[$0...].prefix(8)) == Array("a/data/0".utf8)
  }), !data[0].isEmpty {
    var changed = file
    changed[place + 8] ^= 1 + UInt8(choices.below(255))
    refuse("a value that is not its checksum's", changed)
  }
}

private func readTensors(_ bytes: [UInt8]) {
  guard
    case .read(let file) = attempt({
      try StateDictionary(ByteSource(bytes: bytes, name: "input", pieceSize: 9))
    })
  else { return }
  for name in file.shapes.keys { _ = attempt { try file.floats(name) } }
}

/// The instructions for a key `t` and a tensor in row order of the storage of that number.
private func tensor(_ number: Int, count: Int, shape: [Int]) -> [UInt8] {
  func text(_ text: String) -> [UInt8] {
    [UInt8(ascii: "X"), UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
  }
  func small(_ number: Int) -> [UInt8] { [UInt8(ascii: "K"), UInt8(number)] }
  func tuple(_ items: [[UInt8]]) -> [UInt8] {
    [UInt8(ascii: "(")] + items.flatMap(\.self) + [UInt8(ascii: "t")]
  }
  var strides = shape
  var stride = 1
  for axis in shape.indices.reversed() {
    strides[axis] = stride
    stride *= max(shape[axis], 1)
  }
  let storage = tuple([
    text("storage"), Array("ctorch\nFloatStorage\n".utf8), text("\(number)"), text("cpu"),
    small(count),
  ])
  return text("t\(number)") + Array("ctorch._utils\n_rebuild_tensor_v2\n".utf8)
    + tuple([
      storage + [UInt8(ascii: "Q")], small(0), tuple(shape.map(small)), tuple(strides.map(small)),
    ]) + [UInt8(ascii: "R")]
}

/// An archive of stored files.
private func zip(_ files: [(name: String, bytes: [UInt8])]) -> [UInt8] {
  func little(_ value: UInt32, _ bytes: Int) -> [UInt8] {
    (0..<bytes).map { UInt8(truncatingIfNeeded: value >> (8 * UInt32($0))) }
  }
  var (archive, directory): ([UInt8], [UInt8]) = ([], [])
  for (name, bytes) in files {
    let size = UInt32(bytes.count)
    // Version, flags, method and time; checksum; both sizes; lengths of the name and of what follows.
    let entry =
      [UInt8](repeating: 0, count: 10) + little(checksum(bytes), 4) + little(size, 4)
      + little(size, 4) + little(UInt32(name.utf8.count), 2) + [0, 0]
    directory +=
      little(0x0201_4b50, 4) + [0, 0] + entry + [UInt8](repeating: 0, count: 10)
      + little(UInt32(archive.count), 4) + Array(name.utf8)
    archive += little(0x0403_4b50, 4) + entry + Array(name.utf8) + bytes
  }
  return archive + directory + little(0x0605_4b50, 4) + [0, 0, 0, 0]
    + little(UInt32(files.count), 2) + little(UInt32(files.count), 2)
    + little(UInt32(directory.count), 4) + little(UInt32(archive.count), 4) + [0, 0]
}

/// CRC-32, a bit at a time.
private func checksum(_ bytes: [UInt8]) -> UInt32 {
  ~bytes.reduce(~UInt32(0)) { sum, byte in
    (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
      value >> 1 ^ (value & 1 == 0 ? 0 : 0xedb8_8320)
    }
  }
}
