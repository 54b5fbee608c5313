/// Completion scripts as ArgumentParser makes them, without the command `help`, which no tool has.
func withoutHelpCommand(_ script: String) -> String {
  let offers = [
    "compgen -W 'help'", "'(-): :->command'", "'(-)*:: :->arg'",
    "'help:Show subcommand help information.'", "-fa 'help'",
  ]
  return script.split(separator: "\n", omittingEmptySubsequences: false)
    .filter { line in !offers.contains { line.contains($0) } }
    .joined(separator: "\n")
}
