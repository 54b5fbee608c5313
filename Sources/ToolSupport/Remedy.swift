import VAECore

/// What a user can do about an error or a warning, in the words of the options. The library's own
/// messages say what was expected and what came; only tools have options.
func remedy(for error: any Error) -> String? {
  switch error {
  case StreamError.notATensor(_, _, _, let got):
    switch kindOfFile(got) {
    case "a PNG picture": "png-cat makes a stream of it"
    case "text": "tensor-csv --read makes a stream of it"
    default: nil
    }
  case DigitError.notFound(.mnist, _, _): "'mnist-fetch' downloads it"
  case DigitError.notFound(let set, _, _) where set != .digits:
    "'mnist-fetch --set \(set)' downloads it"
  case GridError.noRoom(_, _, _, _, let scale): "--scale \(scale) makes room"
  case CSVError.notANumber(_, line: 1, _, _): "--header passes over a line of names"
  case CSVError.noRows: "--shape says what the rows would be like"
  case PictureError.otherSize: "--size WxH makes them equal"
  case PictureError.otherChannels: "--grey or --rgb makes them equal"
  case GridError.noPictureShape: "--shape HxW and --channels-last say how to see them"
  case GridError.notSquare: "give --shape HxW"
  case JoinError.mixedTypes:
    "--unit takes bytes as value/255, --plain as the numbers they are"
  case LikelihoodError.targetOutOfRange: "scale the rows, or use --likelihood gaussian"
  case LikelihoodError.targetBetweenLevels: "give it the bytes, or use --likelihood gaussian"
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
