/// The options of a run by the names that version 0.1 gave them.
enum EarlierOptions {
  private static let names = [
    "annealing.periods": "cyclical", "annealing.warmup": "warmup", "binarisation": "binarize",
    "objective.divergence": "kl", "objective.free_bits": "free_bits",
    "objective.particles": "particles", "optimiser.clip_norm": "clip_norm",
    "optimiser.epsilon": "adam_eps", "optimiser.learning_rate": "lr",
    "optimiser.momentum": "momentum", "optimiser.nesterov": "nesterov",
    "optimiser.rule": "optimizer", "optimiser.weight_decay": "weight_decay",
  ]

  /// The fields of options as a file has them, by their present names; those without one keep their
  /// own.
  static func renamed(_ options: JSONValue) -> [String: String] {
    var fields = options.fields
    for (old, new) in names {
      if let value = fields.removeValue(forKey: old) { fields[new] = value }
    }
    if let weighted = fields.removeValue(forKey: "objective.importance_weighted") {
      fields["objective"] = weighted == "true" ? "iwae" : "elbo"
    }
    if let beta1 = fields["optimiser.beta1"], let beta2 = fields["optimiser.beta2"] {
      fields["adam_betas"] = "\(beta1), \(beta2)"
      (fields["optimiser.beta1"], fields["optimiser.beta2"]) = (nil, nil)
    }
    if case .object(let values) = options, case .object(let schedule)? = values["schedule"],
      let kind = schedule.keys.first
    {
      let parts = ["epochs", "factor", "_0"].compactMap {
        fields.removeValue(forKey: "schedule.\(kind).\($0)")
      }
      fields["schedule"] = kind + (parts.isEmpty ? "" : ":" + parts.joined(separator: ","))
    }
    return fields
  }
}
