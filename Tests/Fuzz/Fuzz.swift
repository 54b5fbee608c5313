import SystemPackage
import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// All fuzz targets in one program; `FUZZ_TARGET` in the environment names one. `main` is
/// libFuzzer's.
///
/// A target gets bytes from libFuzzer, which looks for those that reach new code. It tries them as
/// an input, and it makes a sound input from them. An input may be read or refused, but never end
/// the process; a sound one must be read, and give back what was put in; a sound one that is
/// damaged must be refused.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    try target(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    fatalError("a target let an error out: \(error)")
  }
  return 0
}

private let target: @Sendable ([UInt8]) throws -> Void = {
  let targets: [String: @Sendable ([UInt8]) throws -> Void] = [
    "npy": npyTarget, "idx": idxTarget, "safetensors": safetensorsTarget,
    "checkpoint": checkpointTarget, "csv": csvTarget, "png": pngTarget, "log": logTarget,
    "torch": torchTarget,
  ]
  guard let name = getenv("FUZZ_TARGET"), let target = targets[String(cString: name)] else {
    fatalError("FUZZ_TARGET: expected one of \(targets.keys.sorted().joined(separator: " "))")
  }
  return target
}()

/// What became of an input.
enum Outcome<Value> {
  case read(Value)
  case refused(String)
}

/// Reads an input, which may be refused as bad data and in no other way.
func attempt<Value>(_ body: () throws -> Value) -> Outcome<Value> {
  do {
    return .read(try body())
  } catch let error as any Failure where error.kind == .badData {
    return .refused(error.description)
  } catch {
    fatalError("not refused as bad data: \(error)")
  }
}

/// What a sound input gives.
func sound<Value>(_ what: String, _ body: () throws -> Value) -> Value {
  switch attempt(body) {
  case .read(let value): return value
  case .refused(let reason): fatalError("\(what) is sound, but refused: \(reason)")
  }
}

func expectRefusal(_ what: String, _ body: () throws -> Void) {
  if case .read = attempt(body) { fatalError("\(what) is damaged, but read") }
}

func expect(_ condition: Bool, _ what: String) {
  if !condition { fatalError(what) }
}

/// The bytes that `body` writes.
func written(_ body: (ByteSink) throws -> Void) throws -> [UInt8] {
  let file = try scratch()
  try file.resize(to: 0)
  try file.seek(offset: 0, from: .start)
  let sink = ByteSink(descriptor: file, name: "output", closes: false)
  try body(sink)
  try sink.finish()
  try file.seek(offset: 0, from: .start)
  let source = try ByteSource(descriptor: file, name: "output", closes: false)
  source.undoesGzip = false
  return try all(source)
}

func all(_ source: ByteSource) throws -> [UInt8] {
  var bytes: [UInt8] = []
  while true {
    let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 14) { buffer, count in
      count = try source.read(into: UnsafeMutableRawBufferPointer(buffer))
    }
    bytes += piece
    if piece.count < 1 << 14 { return bytes }
  }
}

nonisolated(unsafe) private var scratchFile: FileDescriptor?

/// A file without a name, made once.
private func scratch() throws -> FileDescriptor {
  if let scratchFile { return scratchFile }
  let path = FilePath("/dev/shm/vae-tools-fuzz-\(UInt64.random(in: 0 ... .max))")
  let file = try FileDescriptor.open(
    path, .readWrite, options: [.create, .exclusiveCreate], permissions: .ownerReadWrite)
  path.withPlatformString { _ = unlink($0) }
  scratchFile = file
  return file
}

/// Choices made by the fuzzer's bytes, 0 where they are used up.
struct Choices {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }
  mutating func below(_ count: Int) -> Int { Int(byte()) % count }
  mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in byte() } }
  mutating func word() -> UInt32 { bytes(4).reduce(0) { $0 << 8 | UInt32($1) } }
}
