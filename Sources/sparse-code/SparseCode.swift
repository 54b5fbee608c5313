import ArgumentParser
import ToolSupport
import VAECore

@main
struct SparseCode: Tool {
  static let configuration = CommandConfiguration.tool(
    "sparse-code", "Code rows by few atoms of a dictionary, given or learned.",
    discussion: """
      Finds for each row x the code a that minimises ½‖x − aD‖² + λ‖a‖₁, to a duality gap that is \
      checked in double precision, and writes the codes of all rows in order. Without -d the \
      dictionary D is learned from the rows first. The same rows, options and seed give the same \
      bytes, for any number of threads.
      """,
    examples: [
      "vae-encode m.vae < x.npy | sparse-code -k 64 > codes.npy",
      "sparse-code -k 256 -l 0.1 -o d.dict z.npy > codes.npy",
      "sparse-code -d d.dict < more.npy | sparse-decode d.dict | vae-decode m.vae | png-grid",
    ])

  @Argument(help: "The rows; standard input when there is none.")
  var input: String?

  @Option(name: .shortAndLong, help: "Code with the dictionary of this file.")
  var dictionary: String?

  @Option(name: .shortAndLong, help: "Write the learned dictionary to this file.")
  var output: String?

  @Option(help: "Write every code (dense), or only those that are not zero (csr).")
  var format = CodeFormat.dense

  @Option(help: "Write the figures to this file, as JSON lines.")
  var log: String?

  @OptionGroup var coding: CodingOptions
  @OptionGroup var learning: LearningArguments
  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    guard dictionary != nil else { return }
    try learning.requireNone()
    if output != nil { throw ValidationError("-o writes what is learned, and -d learns nothing") }
  }

  func run() throws {
    let log = try log.map { try SparseLog(path: $0) }
    let coder = try dictionary.map(code(with:)) ?? learn(log)
    try log?.finish(coder)
    for line in coder.summary { streams.note(line) }
  }

  private func code(with path: String) throws -> SparseCoder {
    var dictionary = try streams.dictionary(path, besides: input)
    dictionary.options = try coding.applied(to: dictionary.options)
    let sink = try streams.output()
    let coder: SparseCoder
    if let ratio = coding.lambdaRatio {
      let rows = try streams.rows(input)
      let pool = try workers.pool()
      try dictionary.setLambda(ratio: ratio, of: rows, pool: pool)
      coder = try SparseCoder(dictionary, pool: pool)
      try coder.stream(rows, to: sink, format: format)
    } else {
      let reader = try TensorReader(try streams.input(input))
      coder = try SparseCoder(dictionary, pool: try workers.pool())
      try coder.stream(reader, to: sink, format: format)
    }
    try sink.finish()
    return coder
  }

  private func learn(_ log: SparseLog?) throws -> SparseCoder {
    let file = try output.map { try AtomicFile(path: $0) }
    let sink = try streams.output()
    let rows = try streams.rows(input)
    let pool = try workers.pool()
    let progress = streams.progress()
    let learner = try DictionaryLearner(rows: rows, options: learning.options(coding), pool: pool)
    let (dictionary, record) = try learner.run { epoch in
      progress.milestone(epoch.description)
      try log?.write(epoch)
      return true
    }
    if let file {
      try dictionary.write(to: file.sink, training: record)
      try file.commit()
    }
    let coder = try SparseCoder(dictionary, pool: pool)
    try coder.stream(rows, to: sink, format: format)
    try sink.finish()
    return coder
  }
}
