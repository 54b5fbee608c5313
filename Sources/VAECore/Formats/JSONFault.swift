import FoundationEssentials

/// What decoders silently pass over in a header: keys that come twice in one object, commas before
/// a closing bracket, whole numbers written as fractions.
enum JSONFault: Equatable {
  case duplicate(key: String)
  case trailingComma
  case fraction

  /// The first fault in text that a decoder has accepted.
  static func first(in text: UnsafeRawBufferPointer) -> JSONFault? {
    // The keys met in each open object; nil for an open array.
    var open: [Set<String>?] = []
    var expectsKey = false
    var previous: UInt8 = 0
    var at = 0
    while at < text.count {
      let byte = text[at]
      switch byte {
      case UInt8(ascii: "{"):
        open.append(Set())
        expectsKey = true
      case UInt8(ascii: "["):
        open.append(Set<String>?.none)
        expectsKey = false
      case UInt8(ascii: "}"), UInt8(ascii: "]"):
        if previous == UInt8(ascii: ",") { return .trailingComma }
        _ = open.popLast()
        expectsKey = false
      case UInt8(ascii: ","): expectsKey = open.last.map { $0 != nil } ?? false
      case UInt8(ascii: ":"): expectsKey = false
      case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"):
        if (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(previous) { return .fraction }
      case UInt8(ascii: "\""):
        let end = endOfString(text, from: at)
        if expectsKey, let depth = open.indices.last {
          let key = string(UnsafeRawBufferPointer(rebasing: text[at..<end]))
          if open[depth]?.insert(key).inserted == false { return .duplicate(key: key) }
        }
        at = end - 1
      default: break
      }
      if byte > 0x20 { previous = byte }
      at += 1
    }
    return nil
  }

  /// The index behind the closing quote.
  private static func endOfString(_ text: UnsafeRawBufferPointer, from start: Int) -> Int {
    var at = start + 1
    while at < text.count, text[at] != UInt8(ascii: "\"") {
      at += text[at] == UInt8(ascii: "\\") ? 2 : 1
    }
    return min(at + 1, text.count)
  }

  /// The text of a string with its quotes; escapes count as what they stand for.
  private static func string(_ quoted: UnsafeRawBufferPointer) -> String {
    if quoted.contains(UInt8(ascii: "\\")),
      let text = try? JSONDecoder().decode(String.self, from: Data(quoted))
    {
      return text
    }
    return String(decoding: quoted.dropFirst().dropLast(), as: UTF8.self)
  }
}
