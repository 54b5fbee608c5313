/// A zip archive whose files are stored and not compressed, as PyTorch writes it: so nothing in it is
/// larger than the archive. Held as a whole; every checksum is checked when its file is taken.
///
/// The format is that of PKWARE's APPNOTE.TXT, without its extensions for 4 GiB and more.
final class ZipArchive {
  let name: String
  private let data: GrowableBuffer<UInt8>
  private let files: [String: (range: Range<Int>, checksum: UInt32)]

  /// The names of the files, sorted.
  var names: [String] { files.keys.sorted() }
  /// Bytes of the archive.
  var size: Int { data.count }

  /// The mark that a zip archive begins with.
  static let mark = Array("PK\u{3}\u{4}".utf8)

  /// Reads a source to its end.
  /// - Throws: `ZipError`, and what the source throws.
  init(_ source: ByteSource) throws {
    name = source.name
    data = try source.readGrowing(limit: .max)
    files = try Self.directory(
      UnsafeRawBufferPointer(start: data.base, count: data.count), name: source.name)
  }

  /// SHA-256 of the archive, in hexadecimal.
  func sha256() -> String {
    var hash = SHA256()
    hash.update(UnsafeRawBufferPointer(start: data.base, count: data.count))
    return hash.finish()
  }

  func contains(_ file: String) -> Bool { files[file] != nil }

  /// The bytes of a file; valid as long as the archive is there.
  func bytes(_ file: String) throws -> UnsafeRawBufferPointer {
    guard let entry = files[file] else { throw ZipError(name, "no \(String.quoting(file.utf8))") }
    let bytes = UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(start: data.base, count: data.count)[entry.range])
    guard checksum(bytes) == entry.checksum else {
      throw ZipError(name, "\(String.quoting(file.utf8)): the checksum is wrong")
    }
    return bytes
  }

  // MARK: The directory

  private static func directory(
    _ data: UnsafeRawBufferPointer, name: String
  ) throws -> [String: (range: Range<Int>, checksum: UInt32)] {
    guard let end = endRecord(data) else {
      throw ZipError(name, "the zip archive has no directory at its end; it may be cut")
    }
    let count = data.integer(end + 10, 2)
    let (size, start) = (data.integer(end + 12, 4), data.integer(end + 16, 4))
    guard start + size <= end, start < 0xffff_ffff, count < 0xffff else {
      throw ZipError(name, "the directory of the zip archive is damaged, or that of 4 GiB or more")
    }
    var files: [String: (range: Range<Int>, checksum: UInt32)] = [:]
    var place = start
    for _ in 0..<count {
      guard place + 46 <= end, data.integer(place, 4) == 0x0201_4b50 else {
        throw ZipError(name, "the directory of the zip archive is damaged at byte \(place)")
      }
      let lengths = [28, 30, 32].map { data.integer(place + $0, 2) }
      let next = place + 46 + lengths.reduce(0, +)
      guard next <= end else { throw ZipError(name, "the directory of the zip archive is cut") }
      let file = String(decoding: data[(place + 46)..<(place + 46 + lengths[0])], as: UTF8.self)
      let quoted = String.quoting(file.utf8)
      let bytes = data.integer(place + 24, 4)
      guard data.integer(place + 8, 2) & 1 == 0, data.integer(place + 10, 2) == 0,
        data.integer(place + 20, 4) == bytes
      else {
        throw ZipError(name, "\(quoted) is compressed or encrypted, expected plain tensors")
      }
      let header = data.integer(place + 42, 4)
      guard header + 30 <= start, data.integer(header, 4) == 0x0403_4b50 else {
        throw ZipError(name, "\(quoted) is not where the directory of the zip archive has it")
      }
      let first = header + 30 + data.integer(header + 26, 2) + data.integer(header + 28, 2)
      guard first + bytes <= start else {
        throw ZipError(name, "\(quoted) has a wrong size: \(bytes) bytes do not fit")
      }
      let entry = (first..<(first + bytes), UInt32(data.integer(place + 16, 4)))
      guard files.updateValue(entry, forKey: file) == nil else {
        throw ZipError(name, "\(quoted) is there twice")
      }
      place = next
    }
    let ranges = files.values.map(\.range).sorted { $0.lowerBound < $1.lowerBound }
    for (a, b) in zip(ranges, ranges.dropFirst()) where a.upperBound > b.lowerBound {
      throw ZipError(name, "files of the zip archive overlap")
    }
    return files
  }

  /// Where the record at the end begins, which is 22 bytes and a comment.
  private static func endRecord(_ data: UnsafeRawBufferPointer) -> Int? {
    guard data.count >= 22 else { return nil }
    return (max(0, data.count - 22 - 0xffff)...(data.count - 22)).reversed().first {
      data.integer($0, 4) == 0x0605_4b50 && data.integer($0 + 20, 2) == data.count - 22 - $0
    }
  }
}

/// What is wrong with a zip archive.
package struct ZipError: Failure, Equatable {
  package let description: String
  package var kind: FailureKind { .badData }

  init(_ name: String, _ what: String) { description = "\(name): \(what)" }
}

extension UnsafeRawBufferPointer {
  /// A little-endian number of so many bytes.
  fileprivate func integer(_ place: Int, _ bytes: Int) -> Int {
    (0..<bytes).reversed().reduce(0) { $0 << 8 | Int(self[place + $1]) }
  }
}
