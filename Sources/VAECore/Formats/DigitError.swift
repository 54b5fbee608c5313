/// Why a set of digits cannot be read.
public enum DigitError: Failure, Equatable {
  /// No folder of those looked at holds the file.
  case notFound(set: DigitSet, file: String, folders: [String])
  /// The folder holds images but no labels.
  case noLabels(folder: String, file: String)
  /// The images' or labels' file is another kind of array.
  case notThisKind(name: String, expected: String, rowShape: [Int], type: ElementType)
  /// As many labels as images were expected.
  case countsDiffer(images: String, count: Int, labels: String, labelCount: Int)

  public var kind: FailureKind {
    switch self {
    case .notFound, .noLabels: .noInput
    case .notThisKind, .countsDiffer: .badData
    }
  }

  public var description: String {
    switch self {
    case .notFound(let set, let file, let folders):
      "the set \(set) is not there: no \(file) in "
        + (folders.isEmpty ? "any folder known" : folders.joined(separator: ", "))
    case .noLabels(let folder, let file):
      "\(folder): \(file) is not there, and the classes of the images stand in it"
    case .notThisKind(let name, let expected, let rowShape, let type):
      "\(name): expected \(expected), got rows of shape \(Shape.describe(rowShape)) of \(type)"
    case .countsDiffer(let images, let count, let labels, let labelCount):
      "\(labels): expected \(count) labels, one for each image of \(images), got \(labelCount)"
    }
  }
}
