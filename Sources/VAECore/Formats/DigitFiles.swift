#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// One part of a set, found: the folder and the files in it.
public struct DigitFiles: Sendable, Equatable {
  public let set: DigitSet
  public let split: DigitSplit
  public let folder: String
  /// nil where the folder has none.
  public let images: String?
  public let labels: String?

  /// Finds a part of a set.
  /// - Parameters:
  ///   - set: which; nil is MNIST if it is anywhere, and otherwise the digits this project draws.
  ///   - file: the file there must be.
  ///   - directory: the only folder to look in; nil looks in those of `folders`.
  /// - Throws: `DigitError.notFound`, naming all folders looked at.
  public static func find(
    _ set: DigitSet?, _ split: DigitSplit, having file: DigitFile, in directory: String? = nil,
    folders: DigitFolders = DigitFolders()
  ) throws -> DigitFiles {
    var looked: [String] = []
    // A folder that was named is asked for as much as a set is: nothing stands in for it.
    let sets = set.map { [$0] } ?? (directory == nil ? [.mnist, .digits] : [.mnist])
    for candidate in sets {
      for folder in directory.map({ [$0] }) ?? folders.candidates(for: candidate) {
        let files = DigitFiles(
          set: candidate, split: split, folder: folder,
          images: existing(DigitFile.images.names(split), in: folder),
          labels: existing(DigitFile.labels.names(split), in: folder))
        if (file == .images ? files.images : files.labels) != nil { return files }
        looked.append(folder)
      }
    }
    throw DigitError.notFound(
      set: set ?? .mnist, file: file.names(split)[0] + "[.gz]", folders: looked)
  }

  private static func existing(_ names: [String], in folder: String) -> String? {
    names.map { "\(folder)/\($0)" }.first { access($0, F_OK) == 0 }
  }
}
