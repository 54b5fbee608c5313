import FoundationEssentials

/// The figures of a training run by epoch, from the JSON lines of `vae-fit --log`.
public struct Metrics: Equatable {
  /// What messages and legends call it.
  public let name: String
  /// For each epoch, its number and figures.
  public private(set) var epochs: [(epoch: Double, figures: [String: Double])] = []

  public static func == (a: Metrics, b: Metrics) -> Bool {
    a.name == b.name && a.epochs.elementsEqual(b.epochs) { $0 == $1 }
  }

  /// Reads one JSON object a line. Those that name an event other than `epoch`, and fields that are
  /// no numbers, are passed over; so is an unfinished last line, of a run that goes on.
  ///
  /// - Throws: `AnalysisError` for a line that is no JSON object, or when there is no epoch;
  ///   `StreamError`.
  public init(_ source: ByteSource) throws {
    name = source.name
    let bytes = try source.readAll()
    var number = 0
    for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
      number += 1
      guard line.contains(where: { $0 > 0x20 }) else { continue }
      let record: Record
      do {
        record = try JSONDecoder().decode(Record.self, from: Data(line))
      } catch {
        if line.endIndex == bytes.endIndex { break }
        throw AnalysisError.notARecord(
          name: name, line: number, got: String.quoting(Array(line.prefix(24))))
      }
      guard record.event ?? "epoch" == "epoch", let epoch = record.figures["epoch"] else {
        continue
      }
      epochs.append((epoch, record.figures))
    }
    guard !epochs.isEmpty else { throw AnalysisError.noEpochs(name: name) }
  }

  /// The names of a metric's curves: its own, or those of its items where it is an array.
  package func names(_ metric: String) -> [String] {
    let items = epochs.reduce(0) { most, epoch in
      var count = 0
      while epoch.figures["\(metric).\(count)"] != nil { count += 1 }
      return max(most, count)
    }
    return items == 0 ? [metric] : (0..<items).map { "\(metric).\($0)" }
  }

  /// The points of one metric, epochs that lack it left out.
  package func curve(_ metric: String) -> [(epoch: Double, value: Double)] {
    epochs.compactMap { epoch, figures in figures[metric].map { (epoch, $0) } }
  }
}

/// The numbers among the fields of a JSON object; those of an array have `.0`, `.1` and so on behind
/// its name.
private struct Record: Decodable {
  var event: String?
  var figures: [String: Double] = [:]

  private struct Field: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: Field.self)
    for field in fields.allKeys {
      if field.stringValue == "event" {
        event = try? fields.decode(String.self, forKey: field)
      } else if let number = try? fields.decode(Double.self, forKey: field), number.isFinite {
        figures[field.stringValue] = number
      } else if let items = try? fields.decode([Double].self, forKey: field) {
        for (index, item) in items.enumerated() where item.isFinite {
          figures["\(field.stringValue).\(index)"] = item
        }
      }
    }
  }
}

extension ByteSource {
  /// All bytes that are left.
  fileprivate func readAll() throws -> [UInt8] {
    var all: [UInt8] = []
    while true {
      let piece = try [UInt8](unsafeUninitializedCapacity: 1 << 16) { buffer, count in
        count = try read(into: UnsafeMutableRawBufferPointer(buffer))
      }
      all += piece
      if piece.count < 1 << 16 { return all }
    }
  }
}
