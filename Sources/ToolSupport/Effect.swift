import ArgumentParser

/// Throws for the first of some options that was given where it would have no effect.
func refuse(_ options: KeyValuePairs<String, Bool>, where situation: String) throws {
  if let option = options.first(where: \.value) {
    throw ValidationError("\(option.key) has no effect with \(situation)")
  }
}
