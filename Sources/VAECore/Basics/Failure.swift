/// What went wrong, as far as the caller of a tool is concerned. The raw value is the exit status
/// of `sysexits.h`.
public enum FailureKind: Int32, Sendable {
  case usage = 64
  case badData = 65
  case noInput = 66
  /// Not on this machine.
  case unavailable = 69
  case bug = 70
  case cannotCreate = 73
  case io = 74
}

/// An error that a user can cause or meet. Every layer has one enum of them.
///
/// The description is a line without a tool's name in front of it:
/// `x.npy: row 17: expected 784 values, got 512`.
public protocol Failure: Error, CustomStringConvertible {
  var kind: FailureKind { get }
}

extension String {
  /// Text from outside as it may stand in a message: printable ASCII, quoted, at most 60 bytes.
  package static func quoting(_ bytes: some Collection<UInt8>) -> String {
    var text = "'"
    for byte in bytes.prefix(60) {
      switch byte {
      case UInt8(ascii: "'"), UInt8(ascii: "\\"): text += "\\" + String(UnicodeScalar(byte))
      case 0x20...0x7e: text += String(UnicodeScalar(byte))
      default: text += "\\x" + hex([byte])
      }
    }
    return text + (bytes.count > 60 ? "'..." : "'")
  }

  /// Bytes as lower-case hexadecimal digits.
  package static func hex(_ bytes: some Sequence<UInt8>, separator: String = "") -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: separator)
  }
}
