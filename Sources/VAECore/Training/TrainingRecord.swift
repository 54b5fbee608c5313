/// How a model came to be: what it takes to train it again, and what came out.
public struct TrainingRecord: Encodable, Sendable, Equatable {
  public var options: TrainingOptions
  /// Rows learned from.
  public var rows: Int
  /// Rows held out.
  public var validationRows: Int
  /// SHA-256 of all rows that came, those held out included, as they lie in memory.
  public var sha256: String
  /// SHA-256 of the labels of a conditional model, as 64-bit little-endian integers.
  public var labelsSha256: String?
  /// Epochs that ended.
  public var epochs: Int
  /// The epoch whose parameters these are.
  public var epoch: Int
  /// The last epoch's.
  public var last: EpochReport?
}
