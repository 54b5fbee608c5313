public import VAECore

extension StreamOptions {
  /// Opens standard output for text, which a terminal may show.
  public func text() throws -> ByteSink {
    try ByteSink(standardOutput: ())
  }
}
