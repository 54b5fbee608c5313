import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEInfo: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-info", "Say what model files hold.",
    discussion: """
      Prints the kind, the configuration, the training and the tensors of models, checkpoints, \
      dictionaries or any safetensors files, and the hash of their bytes. A table has a line for \
      each file, values apart by tabs; its columns are any of the names that are printed without it.
      """,
    examples: [
      "vae-info m.vae",
      "vae-info --json m.vae | jq .training.options",
      "vae-info --table *.vae | sort -g -k 11 | column -t",
      "vae-info --table --columns file,config.dropout,valid_loss *.vae",
    ])

  @Argument(help: "The files; standard input when there are none.", completion: .file())
  var models: [String] = []

  @Flag(help: "Print JSON, a line for each file.")
  var json = false

  @Flag(help: "Print a table: a line of names, then a line for each file.")
  var table = false

  @Option(
    help: ArgumentHelp(
      "The columns of the table. (default: \(FileTable.usualColumns.joined(separator: ",")))",
      valueName: "names"))
  var columns: WordList?

  @Flag(help: "Print what the presets of vae-fit stand for; no file is read.")
  var presets = false

  @OptionGroup var streams: StreamOptions

  func validate() throws {
    try streams.requireOneInput(models)
    guard [json, table, presets].count(where: \.self) < 2 else {
      throw ValidationError("--json, --table and --presets exclude each other")
    }
    guard table || columns == nil else { throw ValidationError("--columns needs --table") }
    guard !presets || models.isEmpty else {
      throw ValidationError("--presets reads no file, got '\(models[0])'")
    }
  }

  func run() throws {
    if presets { return try streams.print(Preset.table) }
    var table = FileTable(columns: columns?.words ?? FileTable.usualColumns)
    let operands: [String?] = models.isEmpty ? [nil] : models
    for (index, model) in operands.enumerated() {
      let description = try FileDescription(try streams.input(model))
      if self.table {
        if index == 0 { try streams.print(table.header) }
        try streams.print(try table.line(description))
      } else if json {
        try streams.print(try description.json())
      } else {
        try streams.print((index > 0 ? "\n" : "") + description.text)
      }
    }
    if columns != nil {
      streams.warn(table.emptyColumns.map { "--columns: no file has '\($0)'" })
    }
  }
}
