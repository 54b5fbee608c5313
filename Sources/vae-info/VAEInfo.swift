import ArgumentParser
import ToolSupport
import VAECore

@main
struct VAEInfo: Tool {
  static let configuration = CommandConfiguration.tool(
    "vae-info", "Say what a model file holds.",
    discussion: """
      Prints the kind, the configuration, the training and the tensors of a model, a checkpoint, a \
      dictionary or any safetensors file, and the hash of its bytes.
      """,
    examples: ["vae-info m.vae", "vae-info --json m.vae | jq .training.options"])

  @Argument(help: "The file; standard input when there is none.", completion: .file())
  var model: String?

  @Flag(help: "Print JSON, on one line.")
  var json = false

  @OptionGroup var streams: StreamOptions

  func run() throws {
    let description = try FileDescription(try streams.input(model))
    try streams.print(try json ? description.json() : description.text)
  }
}
