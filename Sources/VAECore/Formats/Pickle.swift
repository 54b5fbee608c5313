/// What a pickle of tensors holds.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case tuple(PickleTuple)
  case list(PickleItems)
  case dictionary(PickleItems)
  /// A class or function, by its name; never looked up.
  case global(String)
  case storage(TorchStorage)
  case tensor(TorchTensor)
}

/// The items of a tuple, and how deep tuples are within it: to the end of a deep one the system's
/// stack would not reach.
struct PickleTuple {
  static let mostDepth = 64
  let items: [PickleValue]
  let depth: Int

  init(_ items: [PickleValue]) {
    self.items = items
    depth =
      1 + items.reduce(0) { if case .tuple(let inner) = $1 { max($0, inner.depth) } else { $0 } }
  }
}

/// The items of a list, or keys and values of a dictionary by turns. Shared by all who refer to it.
final class PickleItems {
  var values: [PickleValue] = []
}

/// Bytes of an archive that tensors are parts of.
struct TorchStorage {
  /// `FloatStorage`.
  let type: String
  let key: String
  /// Elements.
  let count: Int
}

/// A part of a storage.
struct TorchTensor {
  let storage: TorchStorage
  let offset: Int
  let shape: [Int]
  let strides: [Int]
}

/// Reads the pickles that `torch.save` makes of state dictionaries, by the protocols 2 to 5. Runs
/// nothing: of what a pickle may call, only the few things that make tensors and dictionaries are
/// known, and these are made here. Memory grows with the bytes that are read.
struct PickleReader {
  private let bytes: UnsafeRawBufferPointer
  private let name: String
  private var place = 0
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [Int: PickleValue] = [:]
  /// All lists and dictionaries that were made.
  private var made: [PickleItems] = []

  /// Reads a whole pickle and hands its value over, which is valid during the call; `name` is what
  /// messages call it.
  static func read(
    _ bytes: UnsafeRawBufferPointer, name: String, _ body: (PickleValue) throws -> Void
  ) throws {
    var reader = PickleReader(bytes: bytes, name: name)
    // One by one: of lists within lists without end, or within themselves.
    defer { for items in reader.made { items.values = [] } }
    try body(try reader.run())
  }

  private init(bytes: UnsafeRawBufferPointer, name: String) {
    self.bytes = bytes
    self.name = name
  }

  private func failure(_ what: String) -> PickleError { PickleError("\(name): \(what)") }
  private var damaged: PickleError { failure("the pickle is damaged at byte \(place)") }

  // MARK: Instructions

  private mutating func run() throws -> PickleValue {
    while true {
      let code = try integer(1)
      switch UInt8(code) {
      case UInt8(ascii: "."):
        guard stack.count == 1, marks.isEmpty, place == bytes.count else { throw damaged }
        return stack[0]
      case 0x80:  // PROTO
        let version = try integer(1)
        guard 2...5 ~= version else { throw failure("a pickle of protocol \(version)") }
      case 0x95: _ = try take(8)  // FRAME
      case UInt8(ascii: "c"): stack.append(try global(try line(), try line()))
      case 0x93:  // STACK_GLOBAL
        guard case .string(let item) = try pop(), case .string(let module) = try pop() else {
          throw damaged
        }
        stack.append(try global(module, item))
      case UInt8(ascii: "q"): memo[try integer(1)] = try top()
      case UInt8(ascii: "r"): memo[try integer(4)] = try top()
      case 0x94: memo[memo.count] = try top()  // MEMOIZE
      case UInt8(ascii: "h"): stack.append(try recall(try integer(1)))
      case UInt8(ascii: "j"): stack.append(try recall(try integer(4)))
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: ")"): stack.append(try tuple([]))
      case UInt8(ascii: "t"): stack.append(try tuple(try popToMark()))
      case 0x85...0x87: stack.append(try tuple(try pop(code - 0x84)))
      case UInt8(ascii: "}"): stack.append(.dictionary(makeItems()))
      case UInt8(ascii: "]"): stack.append(.list(makeItems()))
      case UInt8(ascii: "a"): try add(try pop(1), toDictionary: false)
      case UInt8(ascii: "e"): try add(try popToMark(), toDictionary: false)
      case UInt8(ascii: "s"): try add(try pop(2), toDictionary: true)
      case UInt8(ascii: "u"): try add(try popToMark(), toDictionary: true)
      case UInt8(ascii: "X"): stack.append(.string(try text(try integer(4))))
      case 0x8c: stack.append(.string(try text(try integer(1))))
      case UInt8(ascii: "K"): stack.append(.integer(try integer(1)))
      case UInt8(ascii: "M"): stack.append(.integer(try integer(2)))
      case UInt8(ascii: "J"):
        stack.append(.integer(Int(Int32(truncatingIfNeeded: try integer(4)))))
      case 0x8a: stack.append(.integer(try long(try integer(1))))  // LONG1
      case UInt8(ascii: "G"):
        let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        stack.append(.float(Double(bitPattern: bits)))
      case UInt8(ascii: "N"): stack.append(.none)
      case 0x88: stack.append(.bool(true))
      case 0x89: stack.append(.bool(false))
      case UInt8(ascii: "Q"): stack.append(.storage(try storage(try pop())))
      case UInt8(ascii: "R"):
        let arguments = try pop()
        stack.append(try reduce(try pop(), arguments))
      case UInt8(ascii: "b"):
        // The attributes of an ordered dictionary; it is what it is without them.
        _ = try pop()
        guard case .dictionary = try top() else { throw damaged }
      default:
        place -= 1
        throw failure("the pickle does at byte \(place) what no saved tensors need")
      }
    }
  }

  // MARK: What may be called

  private func global(_ module: String, _ item: String) throws -> PickleValue {
    let name = "\(module).\(item)"
    let isStorage = module == "torch" && item.hasSuffix("Storage")
    let known = [
      "collections.OrderedDict", "torch._utils._rebuild_tensor_v2",
      "torch._utils._rebuild_parameter",
    ]
    guard isStorage || known.contains(name) else {
      throw failure(
        "the pickle calls for \(String.quoting(name.utf8)), and only tensors are read; "
          + "save model.state_dict() alone")
    }
    return .global(name)
  }

  private mutating func reduce(_ callable: PickleValue, _ arguments: PickleValue) throws
    -> PickleValue
  {
    guard case .global(let name) = callable, case .tuple(let tuple) = arguments else {
      throw damaged
    }
    let arguments = tuple.items
    switch name {
    case "collections.OrderedDict" where arguments.isEmpty:
      return .dictionary(makeItems())
    case "torch._utils._rebuild_parameter":
      guard case .tensor? = arguments.first else { throw damaged }
      return arguments[0]
    case "torch._utils._rebuild_tensor_v2" where arguments.count >= 4:
      guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1],
        let shape = integers(arguments[2]), let strides = integers(arguments[3]),
        shape.count == strides.count
      else { throw damaged }
      return .tensor(
        TorchTensor(storage: storage, offset: offset, shape: shape, strides: strides))
    default: throw damaged
    }
  }

  private func storage(_ value: PickleValue) throws -> TorchStorage {
    guard case .tuple(let tuple) = value, tuple.items.count == 5 else { throw damaged }
    let parts = tuple.items
    guard case .string("storage") = parts[0],
      case .global(let type) = parts[1], type.hasPrefix("torch."), case .string(let key) = parts[2],
      case .integer(let count) = parts[4], count >= 0
    else { throw damaged }
    return TorchStorage(type: String(type.dropFirst(6)), key: key, count: count)
  }

  private func integers(_ value: PickleValue) -> [Int]? {
    guard case .tuple(let tuple) = value else { return nil }
    let numbers = tuple.items.compactMap {
      if case .integer(let number) = $0 { number } else { nil }
    }
    return numbers.count == tuple.items.count ? numbers : nil
  }

  // MARK: The stack

  private mutating func makeItems() -> PickleItems {
    made.append(PickleItems())
    return made[made.count - 1]
  }

  private func tuple(_ items: [PickleValue]) throws -> PickleValue {
    let tuple = PickleTuple(items)
    guard tuple.depth <= PickleTuple.mostDepth else {
      throw failure("tuples within tuples without end")
    }
    return .tuple(tuple)
  }

  private func top() throws -> PickleValue {
    guard let last = stack.last, stack.count > marks.last ?? 0 else { throw damaged }
    return last
  }

  private mutating func pop() throws -> PickleValue {
    let value = try top()
    stack.removeLast()
    return value
  }

  private mutating func pop(_ count: Int) throws -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else { throw damaged }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws -> [PickleValue] {
    guard let mark = marks.popLast() else { throw damaged }
    defer { stack.removeLast(stack.count - mark) }
    return Array(stack[mark...])
  }

  private func recall(_ key: Int) throws -> PickleValue {
    guard let value = memo[key] else { throw damaged }
    return value
  }

  private mutating func add(_ values: [PickleValue], toDictionary: Bool) throws {
    switch try top() {
    case .list(let items) where !toDictionary: items.values += values
    case .dictionary(let items) where toDictionary && values.count % 2 == 0: items.values += values
    default: throw damaged
    }
  }

  // MARK: Bytes

  private mutating func take(_ count: Int) throws -> Slice<UnsafeRawBufferPointer> {
    guard count <= bytes.count - place else { throw failure("the pickle ends early") }
    defer { place += count }
    return bytes[place..<(place + count)]
  }

  /// A little-endian number of up to 4 bytes.
  private mutating func integer(_ count: Int) throws -> Int {
    try take(count).reversed().reduce(0) { $0 << 8 | Int($1) }
  }

  /// A signed little-endian number of any length, as long as it fits.
  private mutating func long(_ count: Int) throws -> Int {
    guard count <= 8 else { throw damaged }
    let digits = try take(count)
    let isNegative = digits.last.map { $0 >= 0x80 } ?? false
    return digits.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) }
  }

  private mutating func text(_ count: Int) throws -> String {
    guard let text = String(validating: try take(count), as: UTF8.self) else { throw damaged }
    return text
  }

  private mutating func line() throws -> String {
    guard let end = bytes[place...].firstIndex(of: UInt8(ascii: "\n")) else { throw damaged }
    let text = try text(end - place)
    place += 1
    return text
  }
}

/// What is wrong with a pickle of tensors.
package struct PickleError: Failure, Equatable {
  package let description: String
  package var kind: FailureKind { .badData }

  init(_ description: String) { self.description = description }
}

/// Reads a pickle for what is wrong with it; for tests.
package func readPickle(_ bytes: [UInt8]) throws {
  try bytes.withUnsafeBytes { try PickleReader.read($0, name: "the pickle") { _ in } }
}
