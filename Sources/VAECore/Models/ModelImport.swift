/// What the names of another program's tensors are here: a name, or a beginning of names up to a dot,
/// and what takes its place; nothing where the tensors are left out.
package struct TensorNames: Sendable, Equatable {
  package let pairs: [(theirs: String, ours: String)]

  package init(_ pairs: [(theirs: String, ours: String)]) { self.pairs = pairs }

  package static func == (a: TensorNames, b: TensorNames) -> Bool {
    a.pairs.elementsEqual(b.pairs) { $0 == $1 }
  }

  /// The index of the longest pair that names it.
  fileprivate func pair(for name: String) -> Int? {
    pairs.indices.filter { name == pairs[$0].theirs || name.hasPrefix(pairs[$0].theirs + ".") }
      .max { pairs[$0].theirs.count < pairs[$1].theirs.count }
  }
}

/// Makes an autoencoder of the tensors of a module trained elsewhere. Their shapes say how many layers
/// there are, how wide, and whether they are normalised; `configuration` says the rest, and its
/// `hidden`, `latent` and `batchNorm` have no effect.
///
/// - Parameter inputShape: the shape of a row; nil is flat.
/// - Throws: `ImportError`, `SafetensorsError`, and what the dictionary throws.
package func importModel(
  _ tensors: StateDictionary, names: TensorNames, inputShape: [Int]?,
  configuration given: VAEConfiguration
) throws -> VAE {
  let source = try translate(tensors, names)
  func shape(_ name: String) -> [Int]? {
    source[name].flatMap { tensors.shapes[$0] }.flatMap { $0.count == 2 ? $0 : nil }
  }
  guard let mean = shape("encoder.mean.weight") else {
    throw ImportError.noMean(name: tensors.name, names: tensors.shapes.keys.sorted())
  }
  var configuration = given
  configuration.hidden = []
  while let layer = shape("encoder.\(configuration.hidden.count).weight") {
    configuration.hidden.append(layer[0])
  }
  configuration.latent = mean[0]
  configuration.family = shape("encoder.logvar.weight") == nil ? .plain : .variational
  configuration.style.batchNorm = source["encoder.0.norm.weight"] != nil
  let width = (shape("encoder.0.weight") ?? mean)[1]
  configuration.inputShape = inputShape ?? [width]
  let (values, overflow) = configuration.inputShape.reduce((1, false)) { product, side in
    let (next, overflow) = product.0.multipliedReportingOverflow(by: side)
    return (next, product.1 || overflow)
  }
  guard !overflow, values == width else {
    throw ImportError.otherInput(
      name: tensors.name, shape: configuration.inputShape, values: width)
  }

  // Taken out before memory is taken for a model that they may not fit.
  let specs = try VAE.layout(configurationJSON: sortedJSON(configuration))
  var found: [[Float]] = []
  for spec in specs {
    guard let theirs = source[spec.name] else {
      throw ImportError.missing(name: tensors.name, tensor: spec.name)
    }
    guard let shape = tensors.shapes[theirs], shape == spec.shape else {
      throw SafetensorsError.wrongShape(
        name: tensors.name, tensor: theirs, expected: spec.shape,
        got: tensors.shapes[theirs] ?? [])
    }
    found.append(try tensors.floats(theirs))
  }
  if let stranger = Set(source.keys).subtracting(specs.map(\.name)).min() {
    throw ImportError.noPlace(name: tensors.name, tensor: source[stranger] ?? stranger)
  }
  let model = try VAE(configuration)
  for (index, values) in found.enumerated() {
    model.parameters.setFileValues(index, values)
  }
  return model
}

/// Their names by ours.
private func translate(
  _ tensors: StateDictionary, _ names: TensorNames
) throws -> [String: String] {
  var source: [String: String] = [:]
  var unused = Set(names.pairs.indices)
  for name in tensors.shapes.keys.sorted() {
    var ours = name
    if let index = names.pair(for: name) {
      unused.remove(index)
      let pair = names.pairs[index]
      if pair.ours.isEmpty { continue }
      ours = pair.ours + name.dropFirst(pair.theirs.count)
    }
    // PyTorch's count of batches, which nothing here reads.
    if ours.hasSuffix(".num_batches_tracked") { continue }
    if let other = source.updateValue(name, forKey: ours) {
      throw ImportError.sameName(name: tensors.name, tensors: [other, name], ours: ours)
    }
  }
  if let index = unused.min() {
    throw ImportError.noSuchTensor(
      name: tensors.name, tensor: names.pairs[index].theirs, names: tensors.shapes.keys.sorted())
  }
  return source
}

/// Why tensors make no model.
package enum ImportError: Failure, Equatable {
  case noMean(name: String, names: [String])
  case missing(name: String, tensor: String)
  case noPlace(name: String, tensor: String)
  case sameName(name: String, tensors: [String], ours: String)
  case noSuchTensor(name: String, tensor: String, names: [String])
  case otherInput(name: String, shape: [Int], values: Int)

  package var kind: FailureKind { .badData }

  package var description: String {
    switch self {
    case .noMean(let name, let names):
      "\(name): no tensor is encoder.mean.weight, of two dimensions; --map says which is, among "
        + Self.list(names)
    case .missing(let name, let tensor):
      "\(name): no tensor is \(tensor); --map says which is"
    case .noPlace(let name, let tensor):
      "\(name): \(String.quoting(tensor.utf8)) has no place in the model; --map \(tensor)= leaves it out"
    case .sameName(let name, let tensors, let ours):
      "\(name): \(Self.list(tensors)) are both \(ours)"
    case .noSuchTensor(let name, let tensor, let names):
      "\(name): --map names \(String.quoting(tensor.utf8)), which is not among \(Self.list(names))"
    case .otherInput(let name, let shape, let values):
      "\(name): the first layer reads \(values) values, not rows of \(Shape.describe(shape))"
    }
  }

  private static func list(_ names: [String]) -> String {
    names.prefix(20).map { String.quoting($0.utf8) }.joined(separator: ", ")
      + (names.count > 20 ? " and \(names.count - 20) more" : "")
  }
}
