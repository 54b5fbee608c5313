import CKernels
import FoundationEssentials

/// Mean and spread of the scores of many rows, as they come (Welford, 1962).
public struct ScoreStatistics: Codable, Sendable, Equatable {
  public private(set) var rows = 0
  public private(set) var mean = 0.0
  private var squares = 0.0
  /// Scores beyond the range of f4, which mean and spread leave out.
  public private(set) var notFinite = 0
  /// The values in a row, where nats are also given in bits for each of them.
  public var dimensionsInBits: Int?

  enum CodingKeys: String, CodingKey {
    case rows, mean
    case deviation
  }

  public init() {}

  public init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: CodingKeys.self)
    rows = try values.decode(Int.self, forKey: .rows)
    mean = try values.decode(Double.self, forKey: .mean)
    let deviation = try values.decode(Double.self, forKey: .deviation)
    squares = deviation * deviation * Double(max(rows - 1, 0))
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: CodingKeys.self)
    try values.encode(rows, forKey: .rows)
    try values.encode(mean, forKey: .mean)
    try values.encode(deviation, forKey: .deviation)
  }

  public mutating func add(_ scores: UnsafeBufferPointer<Float>) {
    for score in scores {
      guard score.isFinite else {
        notFinite += 1
        continue
      }
      rows += 1
      let difference = Double(score) - mean
      mean += difference / Double(rows)
      squares += difference * (Double(score) - mean)
    }
  }

  /// The standard deviation of the scores; 0 for fewer than two.
  public var deviation: Double {
    rows > 1 ? (squares / Double(rows - 1)).squareRoot() : 0
  }

  /// The score that many deviations above the mean.
  public func threshold(sigmas: Double) -> Double { mean + sigmas * deviation }

  /// Mean and standard error, in words.
  public func text(of term: ScoreTerm) -> String {
    let unit = term == .mse ? "squared error" : "nats"
    let bits = bits(of: term).map { ", \($0) bits a dimension" } ?? ""
    return "\(term) \(mean) ± \(standardError) \(unit)\(bits), \(rows) rows"
      + (notFinite == 0 ? "" : ", \(notFinite) more beyond the range of f4")
  }

  /// Mean and standard error, as JSON.
  public func json(of term: ScoreTerm) throws -> String {
    try sortedJSON(
      Summary(
        term: term.rawValue, mean: mean, standardError: standardError, deviation: deviation,
        bitsPerDimension: bits(of: term), rows: rows, notFinite: notFinite))
  }

  private func bits(of term: ScoreTerm) -> Double? {
    guard term != .mse else { return nil }
    return dimensionsInBits.map { bitsPerDimension(nats: mean, dimensions: $0) }
  }

  private struct Summary: Encodable {
    let term: String
    let mean, standardError, deviation: Double
    let bitsPerDimension: Double?
    let rows, notFinite: Int
  }

  /// The standard error of the mean.
  public var standardError: Double { deviation / Double(max(rows, 1)).squareRoot() }
}

extension ScoreStatistics {
  /// Where a model file keeps the statistics of its negative evidence lower bound at the posterior
  /// mean, over rows that it knows: those held out, or those it learned from, at most 10,000.
  static let metadataKey = "vae-tools.scores"
  static let mostRows = 10_000

  /// The statistics that `file` keeps.
  ///
  /// - Throws: `ScoreError.noStatistics`.
  public init(storedIn file: SafetensorsFile) throws {
    guard let text = file.metadata[Self.metadataKey],
      let statistics = try? JSONDecoder().decode(Self.self, from: Data(text.utf8))
    else { throw ScoreError.noStatistics(source: file.name) }
    self = statistics
  }

  /// The statistics of some rows of a store under a model, as a model file keeps them.
  init(_ model: any LatentModel, _ columns: Columns, indices: [UInt32], pool: WorkerPool) throws {
    self.init()
    var options = ScoreOptions()
    options.atMean = true
    let (rows, labels) = (columns.x, model.isConditional ? RowLabels() : nil)
    let scorer = try model.makeScorer(options, labels: labels, pool: pool)
    let indices = indices.prefix(Self.mostRows)
    let input = try AlignedBuffer<Float>(count: scorer.capacity * rows.rowSize)
    let scores = try AlignedBuffer<Float>(count: scorer.capacity)
    for first in stride(from: 0, to: indices.count, by: scorer.capacity) {
      let batch = Array(indices[first..<min(first + scorer.capacity, indices.count)])
      if let bytes = rows.bytes {
        vt_gather_u8(input.base, bytes, batch, batch.count, rows.rowSize)
      } else if let floats = rows.floats {
        vt_gather_f32(input.base, floats, batch, batch.count, rows.rowSize)
      }
      labels?.set(batch.compactMap { columns.labels?[Int($0)] }, firstRow: first)
      try scorer.prepare(
        UnsafeMutableBufferPointer(rebasing: input.buffer[..<(batch.count * rows.rowSize)]),
        firstRow: first, of: rows.name, areBytes: rows.bytes != nil)
      scorer.apply(input.base, count: batch.count, firstRow: first, into: scores.base)
      add(UnsafeBufferPointer(start: scores.base, count: batch.count))
    }
  }
}

/// What scoring is refused for.
public enum ScoreError: Failure, Equatable {
  case noStatistics(source: String)

  public var kind: FailureKind { .badData }

  public var description: String {
    switch self {
    case .noStatistics(let source):
      "\(source): the model keeps no statistics of its scores to set a threshold by"
    }
  }
}

extension RowTransform {
  /// Writes a byte for each score that `self` gives: 1 above the threshold and for what is no
  /// finite number, else 0.
  ///
  /// - Parameter report: as of `forEachBatch`.
  public func streamFlags(
    above threshold: Double, _ reader: TensorReader, to sink: ByteSink,
    report: (_ rows: Int) -> Void = { _ in }
  ) throws {
    let writer = try TensorWriter(
      sink, type: .u1, rowShape: [], rows: reader.declaredRows, continues: true)
    try forEachBatch(of: reader, report: report) { scores in
      let flags = scores.map { UInt8(Double($0) <= threshold ? 0 : 1) }
      try flags.withUnsafeBufferPointer { try writer.write($0) }
    }
    try writer.finish()
  }

  /// The statistics of all scores of a stream.
  ///
  /// - Parameter report: as of `forEachBatch`.
  public func statistics(
    of reader: TensorReader, report: (_ rows: Int) -> Void = { _ in }
  ) throws -> ScoreStatistics {
    var statistics = ScoreStatistics()
    try forEachBatch(of: reader, report: report) { statistics.add($0) }
    return statistics
  }
}
