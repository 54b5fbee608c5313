/// What can be wrong with a table of numbers as text. Lines count from 1, as editors do.
package enum CSVError: Failure, Equatable {
  case notANumber(name: String, line: Int, field: Int, got: String)
  case notAByte(name: String, line: Int, field: Int, got: String)
  case pastRange(name: String, line: Int, field: Int, got: String)
  case fieldTooLong(name: String, line: Int, field: Int)
  case fieldCount(name: String, line: Int, expected: Int, got: Int?)
  case noRows(name: String)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .notANumber(let name, let line, let field, let got):
      "\(name): line \(line): field \(field) is \(got), expected a number"
    case .notAByte(let name, let line, let field, let got):
      "\(name): line \(line): field \(field) is \(got), expected a whole number from 0 to 255"
    case .pastRange(let name, let line, let field, let got):
      "\(name): line \(line): field \(field) is \(got), past the range of f4"
    case .fieldTooLong(let name, let line, let field):
      "\(name): line \(line): field \(field) is too long for a number"
    case .fieldCount(let name, let line, let expected, let got):
      "\(name): line \(line): expected \(expected) fields, got \(got.map { "\($0)" } ?? "more")"
    case .noRows(let name):
      "\(name): no rows, whose shape cannot be told"
    }
  }
}

/// How numbers stand in text.
package struct CSVFormat: Equatable, Sendable {
  /// What stands between fields. A space stands for any run of spaces and tabs where it is read.
  package var delimiter = UInt8(ascii: ",")
  /// Whether the first line names the columns.
  package var header = false

  package init() {}

  /// Whether fields can be told apart by that byte: it is no part of a number, a quotation or a line.
  package static func allows(delimiter: UInt8) -> Bool {
    switch Unicode.Scalar(delimiter) {
    case "0"..."9", "a"..."z", "A"..."Z", "+", "-", ".", "\"", "#", "\n", "\r": false
    case " "..."~", "\t": true
    default: false
    }
  }
}
