/// The header of one `.npy` array, as `numpy.lib.format` describes it.
struct NPYHeader {
  static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Longer headers are refused; NumPy itself writes 128 bytes for anything we read.
  static let maximumLength = 1 << 16

  var type: ElementType
  var isBigEndian = false
  var isFortranOrder = false
  var shape: Shape

  init(type: ElementType, shape: Shape, isBigEndian: Bool = false) {
    self.type = type
    self.shape = shape
    self.isBigEndian = isBigEndian
  }

  /// Reads a header, of which at least the magic is known to come next.
  init(from source: ByteSource) throws {
    let name = source.name
    let start = source.position
    let prefix = try source.take(8)
    guard prefix.count == 8 else {
      throw StreamError.headerEndsEarly(name: name, expected: 10, got: prefix.count)
    }
    let (major, minor) = (prefix[6], prefix[7])
    guard (1...3).contains(major), minor == 0 else {
      throw StreamError.unknownVersion(name: name, major: major, minor: minor)
    }
    let lengthSize = major == 1 ? 2 : 4
    let lengthBytes = try source.take(lengthSize)
    guard lengthBytes.count == lengthSize else {
      throw StreamError.headerEndsEarly(
        name: name, expected: 8 + lengthSize, got: 8 + lengthBytes.count)
    }
    let length = lengthBytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= Self.maximumLength else {
      throw StreamError.headerTooLong(name: name, length: length)
    }
    let text = try source.take(length)
    guard text.count == length else {
      throw StreamError.headerEndsEarly(
        name: name, expected: 8 + lengthSize + length, got: 8 + lengthSize + text.count)
    }
    do {
      let literal = try PythonLiteralParser.parse(text, allowsLong: major < 3)
      try self.init(literal, name: name, byte: start)
    } catch let error as PythonLiteralParser.Failure {
      throw StreamError.badHeader(
        name: name, byte: start + 8 + lengthSize + error.byte, detail: error.detail)
    }
  }

  private init(_ literal: PythonLiteral, name: String, byte: Int) throws {
    func bad(_ detail: String) -> StreamError {
      .badHeader(name: name, byte: byte, detail: detail)
    }
    guard case .dictionary(let pairs) = literal else { throw bad("expected a dictionary") }
    var values: [String: PythonLiteral] = [:]
    for (key, value) in pairs {
      guard case .string(let bytes) = key,
        let known = Self.keys.first(where: { $0.utf8.elementsEqual(bytes) })
      else { throw bad("expected the keys 'descr', 'fortran_order' and 'shape' only") }
      guard values.updateValue(value, forKey: known) == nil else {
        throw bad("the key '\(known)' stands there twice")
      }
    }
    guard let descriptor = values["descr"] else { throw bad("the key 'descr' is missing") }
    guard let order = values["fortran_order"] else {
      throw bad("the key 'fortran_order' is missing")
    }
    guard let dimensions = values["shape"] else { throw bad("the key 'shape' is missing") }

    guard case .boolean(let isFortranOrder) = order else {
      throw bad("expected True or False for 'fortran_order'")
    }
    guard case .tuple(let items) = dimensions else {
      throw bad("expected a tuple of whole numbers for 'shape'")
    }
    (type, isBigEndian) = try Self.type(descriptor, name: name)
    self.isFortranOrder = isFortranOrder
    shape = try Self.shape(items, type: type, name: name, bad: bad)
  }

  private static let keys = ["descr", "fortran_order", "shape"]

  private static func type(
    _ descriptor: PythonLiteral, name: String
  ) throws -> (ElementType, isBigEndian: Bool) {
    guard case .string(let text) = descriptor else {
      throw StreamError.unsupportedType(name: name, descriptor: "(a structure)")
    }
    let hasOrder = text.first.map { "<>=|".utf8.contains($0) } ?? false
    let code = String(decoding: hasOrder ? text[1...] : text[...], as: UTF8.self)
    guard let type = ElementType(rawValue: code) else {
      throw StreamError.unsupportedType(name: name, descriptor: .quoting(text))
    }
    return (type, text.first == UInt8(ascii: ">"))
  }

  private static func shape(
    _ items: [PythonLiteral], type: ElementType, name: String, bad: (String) -> StreamError
  ) throws -> Shape {
    let dimensions = try items.map { item in
      switch item {
      case .integer(let dimension): dimension
      case .hugeInteger(let text):
        throw bad("'shape' has the dimension \(String.quoting(text.utf8))")
      default: throw bad("expected a tuple of whole numbers for 'shape'")
      }
    }
    return try .checked(dimensions, of: type, name: name)
  }

  /// The bytes that `np.save` writes for a C-order array of this type and shape.
  func encoded() -> [UInt8] {
    var text =
      "{'descr': '\(type.descriptor)', 'fortran_order': False, 'shape': \(shape), }"
    // NumPy leaves room for axis 0 to grow to 21 digits in place.
    if let rows = shape.dimensions.first {
      text += String(repeating: " ", count: 21 - String(rows).utf8.count)
    }
    // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
    let unpadded = 10 + text.utf8.count + 1
    let padding = 64 - unpadded % 64
    let length = text.utf8.count + padding + 1
    return Self.magic + [1, 0, UInt8(length & 0xff), UInt8(length >> 8)] + Array(text.utf8)
      + Array(repeating: 0x20, count: padding) + [0x0a]
  }
}

extension Shape {
  /// A shape from a header in `name`. The bytes of what it describes, empty axes left aside, must
  /// fit the address space, so that no product of a row's size with a batch's can overflow.
  static func checked(_ dimensions: [Int], of type: ElementType, name: String) throws -> Shape {
    do throws(ShapeError) {
      guard dimensions.count <= Shape.maximumAxes else {
        throw ShapeError.tooManyAxes(dimensions)
      }
      let shape = try Shape(dimensions)
      let (bytes, overflow) = dimensions.reduce((type.size, false)) { product, dimension in
        let (next, overflow) = product.0.multipliedReportingOverflow(by: max(dimension, 1))
        return (next, product.1 || overflow)
      }
      guard !overflow, bytes <= 1 << 47 else { throw ShapeError.overflow(dimensions) }
      return shape
    } catch {
      throw StreamError.badShape(name: name, error)
    }
  }
}
