public import ArgumentParser
public import VAECore

/// The labels that a conditional model is given.
public struct LabelOptions: ParsableArguments {
  @Option(
    name: [.customShort("y", allowingJoined: true), .long],
    help: "The label of each row, for a conditional model.", completion: .file())
  public var labels: String?

  public init() {}

  /// The labels for a model; nil for one of the rows alone.
  ///
  /// - Parameters:
  ///   - one: the label that all rows have, where they have the same.
  ///   - others: what else may come from standard input.
  /// - Throws: a usage error where the model needs labels and has none, or the other way round.
  public func rowLabels(
    for model: any LatentModel, all one: Int? = nil, _ streams: StreamOptions,
    besides others: [String?]
  ) throws -> RowLabels? {
    guard model.isConditional else {
      try refuse(
        ["--labels": labels != nil, "--label": one != nil], where: "a model that is not conditional"
      )
      return nil
    }
    if let one { return try RowLabels(all: one, from: "--label", for: model) }
    guard let labels else {
      throw ValidationError("the model is conditional: -y, --labels gives the label of each row")
    }
    return try RowLabels(streams.labels(labels, besides: others), for: model)
  }
}
