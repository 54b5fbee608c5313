/// The files that rows become as pictures, in the rows' order.
package struct PictureFileNames: Sendable {
  private let prefix: String
  /// Without folder and extension; nil is the row's number, of four digits or more.
  private let stems: [String]?
  private let list: String

  /// Numbers: `<prefix>0000.png`, `<prefix>0001.png` and so on.
  package init(prefix: String) {
    self.prefix = prefix
    stems = nil
    list = ""
  }

  /// The names of a list, `photos/cat.jpg` as `<prefix>cat.png`: their folders and extensions are
  /// those of other files.
  /// - Parameter list: what messages call the list.
  /// - Throws: `PictureFilesError` where two names are the same file.
  package init(prefix: String, names: [String], list: String) throws {
    self.prefix = prefix
    self.list = list
    var lines: [String: Int] = [:]
    stems = try names.enumerated().map { index, name in
      let stem = Self.stem(name)
      guard !["", ".", ".."].contains(stem) else {
        throw PictureFilesError.noFile(list: list, line: index + 1, name: name)
      }
      if let line = lines.updateValue(index + 1, forKey: stem) {
        throw PictureFilesError.sameFile(
          list: list, lines: [line, index + 1], name: "\(prefix)\(stem).png")
      }
      return stem
    }
  }

  private static func stem(_ name: String) -> String {
    let file = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
    guard let dot = file.lastIndex(of: "."), dot > file.startIndex else { return String(file) }
    return String(file[..<dot])
  }

  func path(row: Int) throws -> String {
    guard let stems else {
      let digits = String(row)
      return prefix + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".png"
    }
    guard row < stems.count else {
      throw PictureFilesError.tooFewNames(list: list, names: stems.count)
    }
    return "\(prefix)\(stems[row]).png"
  }

  func requireAllUsed(rows: Int) throws {
    if let stems, rows < stems.count {
      throw PictureFilesError.tooManyNames(list: list, names: stems.count, rows: rows)
    }
  }
}

/// Writes each row of a stream as a PNG picture of its own, 0 black and 1 white, each whole or not
/// at all.
/// - Throws: `GridError`, `PNGError`, `PictureFilesError`, and what the reader and the files throw.
package func writePictureFiles(
  of reader: TensorReader, size: PixelSize? = nil, channelsLast: Bool = false,
  named names: PictureFileNames
) throws {
  let shape = try ImageShape(
    rowShape: reader.rowShape, size: size, channelsLast: channelsLast, name: reader.name)
  let batch = RowBatch()
  var row = 0
  while try batch.fill(from: reader, maxRows: max(1, 65_536 / shape.count)) {
    for index in 0..<batch.rows {
      let file = try AtomicFile(path: try names.path(row: row))
      let composer = GridComposer(
        shape: shape, options: GridOptions(), declared: 1, to: file.sink, name: reader.name)
      let start = index * shape.count
      try composer.add(UnsafeBufferPointer(rebasing: batch.values[start..<(start + shape.count)]))
      try composer.finish()
      try file.commit()
      row += 1
    }
  }
  try names.requireAllUsed(rows: row)
}

/// Why rows do not become files.
package enum PictureFilesError: Failure, Equatable {
  /// A name that ends in a slash, or is a folder's.
  case noFile(list: String, line: Int, name: String)
  case sameFile(list: String, lines: [Int], name: String)
  case tooFewNames(list: String, names: Int)
  case tooManyNames(list: String, names: Int, rows: Int)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .noFile(let list, let line, let name):
      "\(list): line \(line): expected the name of a file, got \(String.quoting(name.utf8))"
    case .sameFile(let list, let lines, let name):
      "\(list): lines \(lines.map(String.init).joined(separator: " and ")) both become \(name)"
    case .tooFewNames(let list, let names):
      "\(list): \(names) \(names == 1 ? "name" : "names"), and the stream has more rows"
    case .tooManyNames(let list, let names, let rows):
      "\(list): \(names) \(names == 1 ? "name" : "names"), expected as many as rows, \(rows)"
    }
  }
}
