import ArgumentParser

/// Throws for a number of particles that there cannot be.
public func requireParticles(_ particles: Int?) throws {
  if let particles, !(1...1 << 20 ~= particles) {
    throw ValidationError("--particles: expected 1 to \(1 << 20), got \(particles)")
  }
}

/// Throws for the first of some options that was given where it would have no effect.
public func refuse(_ options: KeyValuePairs<String, Bool>, where situation: String) throws {
  if let option = options.first(where: \.value) {
    throw ValidationError("\(option.key) has no effect with \(situation)")
  }
}
