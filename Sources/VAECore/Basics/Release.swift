/// Which vae-tools this is.
public enum Release {
  /// The version of the package, as `--version` prints it and model files record it.
  public static let version = "0.1.0"
}
