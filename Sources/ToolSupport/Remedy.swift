import VAECore

/// What a user can do about an error or a warning, in the words of the options. The library's own
/// messages say what was expected and what came; only tools have options.
func remedy(for error: any Error) -> String? {
  switch error {
  case LikelihoodError.targetOutOfRange: "scale the rows, or use --likelihood gaussian"
  case ModelError.differs: "--init-matching takes what fits"
  case TrainingError.diverged: "try a smaller --lr, or look at the data"
  case TrainingError.nothingToTrain: "see --freeze"
  case TrainingError.notACheckpoint: "start from a model with --init"
  case ScoreError.noStatistics: "give --threshold"
  default: nil
  }
}

extension TrainingWarning {
  /// The warning with what can be done about it.
  public var advice: String {
    switch self {
    case .collapse: "\(self); try --warmup, --free-bits or a smaller --beta"
    case .idleDimensions: "\(self)"
    }
  }
}
