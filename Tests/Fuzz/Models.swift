import SystemPackage
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Safetensors files, and models in them.
func safetensorsTarget(_ bytes: [UInt8]) throws {
  readModel(bytes)
  // The same with the bytes as a header, whose length is then right.
  if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
    readModel(safetensors(header: Array(bytes[..<end]), data: Array(bytes[(end + 1)...])))
  }
  var choices = Choices(bytes)
  let shapes = (0..<(1 + choices.below(3))).map { _ in
    (0..<choices.below(3)).map { _ in choices.below(4) }
  }
  let counts = shapes.map { $0.reduce(1, *) }
  let data = choices.bytes(4 * counts.reduce(0, +))
  var offset = 0
  var ranges: [(Int, Int)] = []
  for count in counts {
    ranges.append((offset, offset + 4 * count))
    offset += 4 * count
  }
  func file(
    _ ranges: [(Int, Int)], _ data: [UInt8], padding: Int = 0, more: [String] = []
  ) -> [UInt8] {
    let tensors = ranges.indices.map { i in
      "\"t\(i)\":{\"dtype\":\"F32\",\"shape\":[\(shapes[i].map(String.init).joined(separator: ","))],"
        + "\"data_offsets\":[\(ranges[i].0),\(ranges[i].1)]}"
    }
    let text =
      "{" + (tensors + more).joined(separator: ",") + "}" + String(repeating: " ", count: padding)
    return safetensors(header: Array(text.utf8), data: data)
  }
  let good = sound("a safetensors file") {
    try SafetensorsFile(
      ByteSource(bytes: file(ranges, data, padding: choices.below(8)), name: "input"))
  }
  for (index, range) in ranges.enumerated() {
    let values = sound("a tensor") {
      try good.floats("t\(index)", shape: shapes[index], finite: false)
    }
    let stored = values.flatMap { value in
      (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> (8 * UInt32($0))) }
    }
    expect(stored == Array(data[range.0..<range.1]), "a tensor's values differ")
  }
  func refuse(_ what: String, _ bytes: [UInt8]) {
    expectRefusal(what) { _ = try SafetensorsFile(ByteSource(bytes: bytes, name: "input")) }
  }
  refuse("a byte too many", file(ranges, data + [0]))
  if !data.isEmpty { refuse("a byte too few", file(ranges, Array(data.dropLast()))) }
  let last = ranges.indices.last ?? 0
  var moved = ranges
  moved[last] = (moved[last].0 + 4, moved[last].1 + 4)
  refuse("a hole", file(moved, data + [0, 0, 0, 0]))
  var longer = ranges
  longer[last].1 += 4
  refuse("another size than the shape's", file(longer, data + [0, 0, 0, 0]))
  if counts[0] > 0 {
    let again = "\"again\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}"
    refuse("an overlap", file(ranges, data, more: [again]))
  }
}

private func readModel(_ bytes: [UInt8]) {
  guard
    case .read(let file) = attempt({
      try SafetensorsFile(ByteSource(bytes: bytes, name: "input", pieceSize: 9))
    })
  else { return }
  for entry in file.entries { _ = attempt { try file.floats(entry.name) } }
  _ = attempt { try ModelFile.model(in: file) }
  _ = attempt { try SparseDictionary(ByteSource(bytes: bytes, name: "input")) }
}

private func safetensors(header: [UInt8], data: [UInt8]) -> [UInt8] {
  (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) } + header + data
}

/// Checkpoints, and runs that are taken up from them.
func checkpointTarget(_ bytes: [UInt8]) throws {
  // Figures that no run has, in a checkpoint that is sound but for them.
  var choices = Choices(bytes)
  let digit = choices.below(9) + 1
  for (key, value) in [
    ("steps_in_epoch", "-\(digit)"), ("steps_in_epoch", "\(digit)0"), ("epochs_done", "-\(digit)"),
    ("step", "\(digit)00"), ("statistics", "[\(digit)]"), ("best_epoch", "\(digit)0"),
    ("squared_norms", "-\(digit)"),
  ] {
    expectRefusal("a checkpoint with \(key) \(value)") {
      let other = Resumption.shared.with(key, value)
      try Resumption.shared.resume(Checkpoint(ByteSource(bytes: other, name: "input")))
    }
  }
  var file = bytes
  if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
    file = safetensors(header: Array(bytes[..<end]), data: Array(bytes[(end + 1)...]))
  }
  guard
    case .read(let checkpoint) = attempt({
      try Checkpoint(ByteSource(bytes: file, name: "input"))
    })
  else { return }
  _ = attempt { try Resumption.shared.resume(checkpoint) }
}

/// What a checkpoint of the corpus belongs to: `vae-fit --hidden 3 --latent 2 --epochs 2 --batch 4
/// --patience 2 --valid 0.3` on these rows.
private struct Resumption {
  static let shared = sound("the rows") { try Resumption() }

  let rows: RowStore
  let pool: WorkerPool
  private var file: [UInt8] = []

  init() throws {
    let values = (0..<40).map { Float($0 * 7 % 11) / 10 }
    let stream = try written { sink in
      let writer = try TensorWriter(sink, type: .f4, rowShape: [4], rows: 10)
      try values.withUnsafeBufferPointer { try writer.write($0) }
      try writer.finish()
    }
    rows = try RowStore(TensorReader(ByteSource(bytes: stream, name: "rows")))
    pool = try WorkerPool(threads: 1)
    let path = "/dev/shm/vae-tools-fuzz-\(UInt64.random(in: 0 ... .max)).ckpt"
    var control = TrainingControl()
    control.checkpoint = path
    var steps = 0
    _ = try trainer(control: control).run(
      stop: {
        steps += 1
        return steps >= 3
      }, report: { _ in })
    file = try all(ByteSource(path: path))
    FilePath(path).withPlatformString { _ = unlink($0) }
  }

  /// The checkpoint of a run that was stopped in its second epoch, with another figure.
  func with(_ key: String, _ value: String) -> [UInt8] {
    let length = file[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
    let header = file[8..<(8 + length)]
    let name = Array("\\\"\(key)\\\":".utf8)
    guard
      let place = header.indices.first(where: { header[$0...].starts(with: name) }),
      let start = header.index(place, offsetBy: name.count, limitedBy: header.endIndex)
    else { fatalError("the checkpoint has no \(key)") }
    let closing = header[start] == UInt8(ascii: "[") ? "]" : ",}"
    let end =
      header[start...].firstIndex { closing.utf8.contains($0) }.map {
        closing == "]" ? $0 + 1 : $0
      } ?? start
    return safetensors(
      header: Array(header[..<start]) + Array(value.utf8) + Array(header[end...]),
      data: Array(file[(8 + length)...]))
  }

  private func trainer(
    control: TrainingControl = TrainingControl(), resuming checkpoint: Checkpoint? = nil
  ) throws -> Trainer {
    var options = TrainingOptions()
    (options.epochs, options.batch, options.patience) = (4, 4, 2)
    let model = try VAE(VAEConfiguration(inputShape: [4], hidden: [3], latent: 2))
    let held = try TrainingRows(rows, holdingOut: 0.3, seed: options.seed)
    return try Trainer(
      model, on: held, options: options, control: control, resuming: checkpoint, pool: pool)
  }

  func resume(_ checkpoint: Checkpoint) throws {
    let trainer = try trainer(resuming: checkpoint)
    _ = try trainer.run { _ in }
    expect(trainer.epochsDone >= 0, "epochs below 0")
  }
}
