/// What can be wrong with a stream of bytes or tensors. `name` is the file, or `standard input`.
///
/// Rows are counted from 0 over the whole stream, bytes from 0 after any decompression.
public enum StreamError: Failure, Equatable {
  // Files and descriptors
  case notFound(name: String)
  case notReadable(name: String, reason: String)
  case isDirectory(name: String)
  case closed(name: String)
  case readFailed(name: String, reason: String)
  case writeFailed(name: String, reason: String)
  case cannotCreate(name: String, reason: String)
  /// The reader of our output has gone and SIGPIPE is ignored; a tool ends silently with 141.
  case brokenPipe(name: String)
  case outOfMemory(name: String)

  // gzip
  case gzipEndsEarly(name: String)
  case gzipCorrupt(name: String, detail: String)

  // Headers
  case noData(name: String)
  case notATensor(name: String, row: Int, byte: Int, got: [UInt8])
  case unknownVersion(name: String, major: UInt8, minor: UInt8)
  case headerTooLong(name: String, length: Int)
  case headerEndsEarly(name: String, expected: Int, got: Int)
  case badHeader(name: String, byte: Int, detail: String)
  case unsupportedType(name: String, descriptor: String)
  case badShape(name: String, ShapeError)
  case noRows(name: String)
  case emptyRows(name: String, shape: [Int])

  // Rows
  case endsEarly(name: String, expected: Int, got: Int, bytes: Int)
  case typeChanged(name: String, row: Int, expected: ElementType, got: ElementType)
  case rowShapeChanged(name: String, row: Int, expected: [Int], got: [Int])
  case wrongRowSize(name: String, row: Int, expected: Int, got: Int)
  case notFinite(name: String, row: Int, element: Int, value: String)
  case notBytes(name: String, got: ElementType)
  /// More rows than what holds them all can number.
  case tooManyRows(name: String, most: Int, got: Int)
  /// A number that was computed is none of those f4 has.
  case overflow(name: String, row: Int, element: Int, value: String)

  /// A writer that promised `expected` rows was given another number.
  case rowsMissing(name: String, expected: Int, got: Int)

  public var kind: FailureKind {
    switch self {
    case .notFound, .notReadable, .isDirectory: .noInput
    case .closed, .readFailed, .writeFailed, .brokenPipe, .outOfMemory: .io
    case .cannotCreate: .cannotCreate
    case .rowsMissing: .bug
    default: .badData
    }
  }

  public var description: String { "\(name): \(what)" }

  private var what: String {
    switch self {
    case .notFound: "no such file"
    case .notReadable(_, let reason): "cannot be opened: \(reason)"
    case .isDirectory: "is a directory, expected a file"
    case .closed: "is closed"
    case .readFailed(_, let reason): "read failed: \(reason)"
    case .writeFailed(_, let reason): "write failed: \(reason)"
    case .cannotCreate(_, let reason): "cannot create: \(reason)"
    case .brokenPipe: "the reader has gone"
    case .outOfMemory: "out of memory"

    case .gzipEndsEarly: "gzip data ends early"
    case .gzipCorrupt(_, let detail): "gzip data is corrupt: \(detail)"

    case .noData: "no data, expected a .npy array or IDX file"
    case .notATensor(_, let row, let byte, let got):
      (row == 0 ? "expected a" : "row \(row): expected another")
        + " .npy array or IDX file at byte \(byte), got "
        + (kindOfFile(got) ?? .quoting(got.prefix(6)))
    case .unknownVersion(_, let major, let minor):
      "expected .npy version 1.0, 2.0 or 3.0, got \(major).\(minor)"
    case .headerTooLong(_, let length):
      "the .npy header claims \(length) bytes, at most \(NPYHeader.maximumLength) are read"
    case .headerEndsEarly(_, let expected, let got):
      "the header ends early: expected \(expected) bytes, got \(got)"
    case .badHeader(_, let byte, let detail): "malformed header at byte \(byte): \(detail)"
    case .unsupportedType(_, let descriptor):
      "elements of type \(descriptor) cannot be read, expected one of "
        + "u1 i1 b1 i2 i4 i8 u2 u4 u8 f2 f4 f8; convert with array.astype(np.float32)"
    case .badShape(_, let error): error.description
    case .noRows: "the array is a single number of shape (), expected rows; save array.reshape(1)"
    case .emptyRows(_, let shape):
      "the shape \(Shape.describe(shape)) has rows without values, expected at least one a row"

    case .endsEarly(_, let expected, let got, let bytes):
      "data ends early: expected \(expected) \(rows(expected)), got \(got)"
        + (bytes == 0 ? "" : " and \(bytes) \(bytes == 1 ? "byte" : "bytes") more")
    case .typeChanged(_, let row, let expected, let got):
      "row \(row): the array that starts here holds \(got.rawValue), "
        + "expected \(expected.rawValue) as before"
    case .rowShapeChanged(_, let row, let expected, let got):
      "row \(row): the array that starts here has rows of shape \(Shape.describe(got)), "
        + "expected \(Shape.describe(expected)) as before"
    case .wrongRowSize(_, let row, let expected, let got):
      "row \(row): expected \(expected) \(expected == 1 ? "value" : "values"), got \(got)"
    case .notFinite(_, let row, let element, let value):
      "row \(row): element \(element) is \(value), expected finite numbers"
    case .tooManyRows(_, let most, let got):
      "expected at most \(most) rows, got \(got); tensor-head writes some of them"
    case .overflow(_, let row, let element, let value):
      "row \(row): element \(element) comes out as \(value), past the range of f4; "
        + "scale the rows that came in down"
    case .notBytes(_, let got): "expected bytes (u1), got \(got.rawValue)"

    case .rowsMissing(_, let expected, let got):
      "promised \(expected) \(rows(expected)), wrote \(got)"
    }
  }

  private func rows(_ count: Int) -> String { count == 1 ? "row" : "rows" }

  /// The file, or `standard input`.
  public var name: String {
    switch self {
    case .notFound(let name), .notReadable(let name, _), .isDirectory(let name),
      .closed(let name), .readFailed(let name, _), .writeFailed(let name, _),
      .cannotCreate(let name, _), .brokenPipe(let name), .outOfMemory(let name),
      .gzipEndsEarly(let name), .gzipCorrupt(let name, _), .noData(let name),
      .notATensor(let name, _, _, _), .unknownVersion(let name, _, _),
      .headerTooLong(let name, _), .headerEndsEarly(let name, _, _),
      .badHeader(let name, _, _), .unsupportedType(let name, _), .badShape(let name, _),
      .noRows(let name), .emptyRows(let name, _), .endsEarly(let name, _, _, _),
      .typeChanged(let name, _, _, _), .rowShapeChanged(let name, _, _, _),
      .wrongRowSize(let name, _, _, _), .notFinite(let name, _, _, _),
      .notBytes(let name, _), .tooManyRows(let name, _, _), .overflow(let name, _, _, _),
      .rowsMissing(let name, _, _):
      name
    }
  }
}
