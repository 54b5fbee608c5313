import ArgumentParser
import ToolSupport
import VAECore

@main
struct MnistCat: Tool {
  static let configuration = CommandConfiguration.tool(
    "mnist-cat", "Write the images or labels of MNIST, or a set like it, as a tensor stream.",
    discussion: """
      Where no MNIST is found and none was asked for, small digits that come with this program \
      stand in for it. mnist-fetch downloads the real sets.
      """,
    examples: [
      "mnist-cat train | vae-fit -o m.vae",
      "mnist-cat test --labels > labels.npy",
      "mnist-cat train --set fashion --classes 0,1,2 --limit 64 | png-grid > out.png",
    ])

  @Argument(help: "Which part of the set.")
  var split: DigitSplit

  @Flag(help: "Write the labels, u1, instead of the images.")
  var labels = false

  @Option(help: "The set.")
  var set: DigitSet?

  @Option(help: "The folder of the set's files, the only one to look in.", completion: .directory)
  var dir: String?

  @Option(help: ArgumentHelp("Write at most this many rows.", valueName: "n"))
  var limit: Int?

  @Option(help: ArgumentHelp("Write only the rows of these classes.", valueName: "0,1,..."))
  var classes: IntegerList?

  @Flag(help: "Write f4 from 0 to 1 instead of u1 from 0 to 255.")
  var float = false

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Write f4, less MEAN, over STD.", valueName: "mean,std"))
  var normalize: NumberPair?

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard limit ?? 0 >= 0 else { throw ValidationError("--limit must be at least 0") }
    guard classes?.values.allSatisfy((0...255).contains) ?? true else {
      throw ValidationError("--classes are numbers from 0 to 255")
    }
    guard normalize?.second ?? 1 > 0 else {
      throw ValidationError("the second number of --normalize, the deviation, must be above 0")
    }
    if float && normalize != nil {
      throw ValidationError("--normalize writes f4 already: leave out --float")
    }
    if labels && (float || normalize != nil) {
      throw ValidationError("labels are always u1: leave out --float and --normalize")
    }
  }

  func run() throws {
    var selection = DigitSelection()
    selection.file = labels ? .labels : .images
    selection.classes = classes.map { Set($0.values.map(UInt8.init)) }
    selection.limit = limit ?? .max
    if let normalize {
      selection.pixels = .normalized(mean: normalize.first, deviation: normalize.second)
    } else if float {
      selection.pixels = .unit
    }
    let sink = try streams.output()
    let files = try DigitFiles.find(set, split, having: selection.file, in: dir)
    if files.set == .digits && set == nil {
      streams.note(
        "no MNIST found, so these are drawn digits; 'mnist-fetch' downloads the real ones")
    }
    try files.write(selection, to: sink)
  }
}

extension DigitSet: ExpressibleByArgument {}
extension DigitSplit: ExpressibleByArgument {}
