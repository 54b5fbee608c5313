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

  @Argument(help: "The rows; standard input when there is none.", completion: .file())
  var input: String?

  @Option(
    name: [.customShort("d", allowingJoined: true), .long],
    help: "Code with the dictionary of this file.", completion: .file())
  var dictionary: String?

  @Option(
    name: [.customShort("o", allowingJoined: true), .long],
    help: "Write the learned dictionary to this file.", completion: .file())
  var output: String?

  @Option(help: "Write every code (dense), or only those that are not zero (csr).")
  var format = CodeFormat.dense

  @Option(help: "Write the figures to this file, as JSON lines.", completion: .file())
  var log: String?

  @OptionGroup var coding: CodingOptions
  @OptionGroup var learning: LearningArguments
  @OptionGroup var workers: WorkerOptions
  @OptionGroup var streams: StreamOptions

  func validate() throws {
    if dictionary != nil { try learning.requireNone(output: output) }
    if output == "-" { throw ValidationError("-o -: standard output takes the codes") }
  }

  func run() throws {
    try streams.requireApart(
      ("the rows", input), ("-d", dictionary), ("-o", output), ("--log", log))
    let (coder, log) = try dictionary.map(code(with:)) ?? learn()
    try log?.finish(coder)
    for line in coder.summary { streams.note(line) }
  }

  private func code(with path: String) throws -> (SparseCoder, SparseLog?) {
    var dictionary = try streams.dictionary(path, besides: input)
    dictionary.options = try coding.applied(to: dictionary.options)
    let sink = try streams.output()
    let (coder, log): (SparseCoder, SparseLog?)
    if let ratio = coding.lambdaRatio {
      let rows = try streams.rows(input)
      log = try streams.log(self.log).map(SparseLog.init)
      let pool = try workers.pool()
      try dictionary.setLambda(ratio: ratio, of: rows, pool: pool)
      coder = try SparseCoder(dictionary, pool: pool)
      try coder.stream(rows, to: sink, format: format, report: streams.report(of: rows.rows))
    } else {
      let (reader, report) = try streams.reportedRows(input)
      log = try streams.log(self.log).map(SparseLog.init)
      coder = try SparseCoder(dictionary, pool: try workers.pool())
      try coder.stream(reader, to: sink, format: format, report: report)
    }
    try sink.finish()
    return (coder, log)
  }

  private func learn() throws -> (SparseCoder, SparseLog?) {
    let file = try output.map { try AtomicFile(path: $0) }
    let sink = try streams.output()
    let rows = try streams.rows(input)
    let log = try streams.log(log).map(SparseLog.init)
    let pool = try workers.pool()
    let progress = streams.progress()
    let learner = try DictionaryLearner(rows: rows, options: learning.options(coding), pool: pool)
    let (dictionary, record) = try learner.run { epoch in
      progress.milestone(epoch.description)
      try log?.write(epoch)
      return true
    }
    if let file { try dictionary.write(to: file.sink, training: record) }
    try file?.commit()
    let coder = try SparseCoder(dictionary, pool: pool)
    try coder.stream(rows, to: sink, format: format, report: progress.rows(of: rows.rows))
    try sink.finish()
    return (coder, log)
  }
}
