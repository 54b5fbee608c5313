/// What there is to say about a tensor stream: its shape and the spread of its values.
package struct StreamSummary: Equatable, Sendable {
  package let name: String
  /// The rows of all arrays, then the shape of one.
  package let shape: [Int]
  package let type: ElementType
  /// How many arrays the stream is made of.
  package let arrays: Int
  /// Headers and rows, after any decompression.
  package let bytes: Int
  package let values: ValueSummary

  /// Reads all rows. u1 counts as the numbers 0 to 255.
  /// - Throws: `StreamError`.
  package init(reading reader: TensorReader) throws {
    var values = ValueSummary()
    let block = GrowableBuffer<Double>()
    let batch = max(1, RowCarrier.elements / reader.rowSize)
    while try reader.append(to: block, maxRows: batch, scaleBytes: false) > 0 {
      values.add(UnsafeBufferPointer(start: block.base, count: block.count))
      block.count = 0
    }
    name = reader.name
    shape = [reader.rowsRead] + reader.rowShape
    type = reader.elementType
    arrays = reader.arraysRead
    bytes = reader.bytesRead
    self.values = values
  }

  /// A line a fact, for people.
  package var text: String {
    func words(_ value: Double?) -> String { value.map { decimal($0, as: type) } ?? "-" }
    return """
      shape   \(Shape.describe(shape))
      type    \(type.rawValue)
      arrays  \(arrays)
      bytes   \(bytes)
      range   \(words(values.least)) \(words(values.greatest))
      mean    \(values.mean.map { "\($0)" } ?? "-")
      std     \(values.deviation.map { "\($0)" } ?? "-")
      nans    \(values.nans)
      infs    \(values.infinities)
      """
  }

  /// The same as one line of JSON, keys sorted; what is not there, or no finite number, is null.
  package func json() throws -> String { try sortedJSON(self) }
}

extension StreamSummary: Encodable {
  enum Key: String, CodingKey {
    case name, shape, type, arrays, bytes, min, max, mean, std, nans, infs
  }

  package func encode(to encoder: any Encoder) throws {
    var fields = encoder.container(keyedBy: Key.self)
    try fields.encode(name, forKey: .name)
    try fields.encode(shape, forKey: .shape)
    try fields.encode(type.rawValue, forKey: .type)
    try fields.encode(arrays, forKey: .arrays)
    try fields.encode(bytes, forKey: .bytes)
    try fields.encode(values.least, forKey: .min)
    try fields.encode(values.greatest, forKey: .max)
    try fields.encode(values.mean.flatMap { $0.isFinite ? $0 : nil }, forKey: .mean)
    try fields.encode(values.deviation.flatMap { $0.isFinite ? $0 : nil }, forKey: .std)
    try fields.encode(values.nans, forKey: .nans)
    try fields.encode(values.infinities, forKey: .infs)
  }
}

/// The spread of the finite values among those added, and how many were not finite.
package struct ValueSummary: Equatable, Sendable {
  package private(set) var nans = 0
  package private(set) var infinities = 0
  /// nil when there was no finite value.
  package var least: Double? { finite > 0 ? low : nil }
  package var greatest: Double? { finite > 0 ? high : nil }
  package var mean: Double? { finite > 0 ? average : nil }
  /// Over all values, not over one less: `np.std`.
  package var deviation: Double? { finite > 0 ? (squares / Double(finite)).squareRoot() : nil }

  private var finite = 0
  private var low = Double.infinity
  private var high = -Double.infinity
  private var average = 0.0
  /// The sum of the squared distances from the average.
  private var squares = 0.0

  package init() {}

  /// Takes values in two passes, for the precision of it, and merges them with those before: Chan,
  /// Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample
  /// variances", 1979.
  package mutating func add(_ values: UnsafeBufferPointer<Double>) {
    var (count, sum) = (0, 0.0)
    var (low, high) = (self.low, self.high)
    for value in values {
      if value.isFinite {
        count += 1
        sum += value
        if value < low { low = value }
        if value > high { high = value }
      } else if value.isNaN {
        nans += 1
      } else {
        infinities += 1
      }
    }
    guard count > 0 else { return }
    (self.low, self.high) = (low, high)
    let center = sum / Double(count)
    var (spread, drift) = (0.0, 0.0)
    for value in values where value.isFinite {
      let distance = value - center
      spread += distance * distance
      drift += distance
    }
    // What rounding took from the mean of this block, it gives back.
    let mean = center + drift / Double(count)
    spread -= drift * drift / Double(count)
    let total = finite + count
    let distance = mean - average
    let share = Double(count) / Double(total)
    average += distance * share
    squares += max(spread, 0) + distance * distance * share * Double(finite)
    finite = total
  }
}
