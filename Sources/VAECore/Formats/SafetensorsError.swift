/// What can be wrong with a safetensors file: one case a rule of the format.
public enum SafetensorsError: Failure, Equatable {
  /// Some other kind of file.
  case otherFormat(name: String, got: String)
  case tooShort(name: String, got: Int)
  case headerTooLong(name: String, length: UInt64)
  case headerEndsEarly(name: String, expected: Int, got: Int)
  case notAnObject(name: String, got: [UInt8])
  case badHeader(name: String, detail: String)
  case duplicateName(name: String, key: String)
  case unknownType(name: String, tensor: String, got: String)
  case badShape(name: String, tensor: String, ShapeError)
  case badOffsets(name: String, tensor: String, got: [Int])
  case hole(name: String, tensor: String, expected: Int, got: Int)
  case overlap(name: String, tensor: String, expected: Int, got: Int)
  case wrongSize(name: String, tensor: String, expected: Int, got: Int)
  case partialByte(name: String, tensor: String)
  case endsEarly(name: String, expected: Int, got: Int)
  case trailingBytes(name: String, expected: Int)

  // What a reader of a model wants of a tensor
  case missing(name: String, tensor: String)
  case notFloat(name: String, tensor: String, got: String)
  case wrongShape(name: String, tensor: String, expected: [Int], got: [Int])
  case notFinite(name: String, tensor: String, element: Int, value: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .otherFormat(let name, let got):
      "\(name): expected a safetensors file, such as a model, got \(got)"
    case .tooShort(let name, let got):
      "\(name): expected a safetensors file, got \(got) bytes"
    case .headerTooLong(let name, let length):
      "\(name): expected a safetensors file, but its header would take \(length) bytes "
        + "(at most \(SafetensorsFile.maximumHeader))"
    case .headerEndsEarly(let name, let expected, let got):
      "\(name): the header ends early: expected \(expected) bytes, got \(got)"
    case .notAnObject(let name, let got):
      "\(name): expected a header that begins with '{', got \(String.quoting(got))"
    case .badHeader(let name, let detail): "\(name): malformed header: \(detail)"
    case .duplicateName(let name, let key): "\(name): the header has \(quote(key)) twice"
    case .unknownType(let name, let tensor, let got):
      "\(name): \(quote(tensor)): unknown dtype \(quote(got))"
    case .badShape(let name, let tensor, let error): "\(name): \(quote(tensor)): \(error)"
    case .badOffsets(let name, let tensor, let got):
      "\(name): \(quote(tensor)): expected two ascending data_offsets, got \(got)"
    case .hole(let name, let tensor, let expected, let got):
      "\(name): \(quote(tensor)): data starts at \(got) and leaves a hole from \(expected)"
    case .overlap(let name, let tensor, let expected, let got):
      "\(name): \(quote(tensor)): data starts at \(got) and overlaps what ends at \(expected)"
    case .wrongSize(let name, let tensor, let expected, let got):
      "\(name): \(quote(tensor)): expected \(expected) bytes for its shape, got \(got)"
    case .partialByte(let name, let tensor):
      "\(name): \(quote(tensor)): does not fill whole bytes"
    case .endsEarly(let name, let expected, let got):
      "\(name): data ends early: expected \(expected) bytes, got \(got)"
    case .trailingBytes(let name, let expected):
      "\(name): expected \(expected) bytes of data, got more"
    case .missing(let name, let tensor): "\(name): expected a tensor \(quote(tensor)), got none"
    case .notFloat(let name, let tensor, let got):
      "\(name): \(quote(tensor)): expected F32, got \(got); convert with tensor.float()"
    case .wrongShape(let name, let tensor, let expected, let got):
      "\(name): \(quote(tensor)): expected shape \(expected), got \(got)"
    case .notFinite(let name, let tensor, let element, let value):
      "\(name): \(quote(tensor)): element \(element) is \(value), expected finite weights"
    }
  }

  private func quote(_ text: String) -> String { .quoting(text.utf8) }
}
