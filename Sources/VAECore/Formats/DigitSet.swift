/// The sets of small labelled images that share MNIST's files.
public enum DigitSet: String, Sendable, CaseIterable {
  /// Handwritten digits (LeCun, Cortes and Burges).
  case mnist
  /// Pieces of clothing (Xiao, Rasul and Vollgraf).
  case fashion
  /// Cursive Japanese characters (Clanuwat et al.).
  case kmnist
  /// The digits this project draws itself and carries with it.
  case digits
}

/// The two parts of such a set.
public enum DigitSplit: String, Sendable, CaseIterable {
  case train
  case test

  /// What its files' names begin with.
  var prefix: String { self == .train ? "train" : "t10k" }
}

/// Which of a part's two files.
public enum DigitFile: Sendable {
  case images
  case labels

  /// The file's names, as they are met: with a dash or a dot, compressed or not.
  func names(_ split: DigitSplit) -> [String] {
    let (name, kind) = self == .images ? ("images", "idx3-ubyte") : ("labels", "idx1-ubyte")
    return ["-", "."].flatMap { separator in
      ["", ".gz"].map { "\(split.prefix)-\(name)\(separator)\(kind)\($0)" }
    }
  }
}
