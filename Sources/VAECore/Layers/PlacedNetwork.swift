/// A network, or a part of one, with the memory of all its edges and layers.
package final class PlacedNetwork {
  package let placement: Placement
  /// The layers in the order of their application, and the edges that they read.
  private let placed: [(layer: any PlacedLayer, inputs: [EdgeMemory])]
  private let memories: [Edge: EdgeMemory]

  /// - Parameter ends: edges that are read from outside: their values stay f32.
  /// - Throws: `ComputeError`.
  package init(_ network: Network, _ placement: Placement, ends: [Edge] = []) throws {
    self.placement = placement
    let network = network.fused()
    var memories: [Edge: EdgeMemory] = [:]
    // Columns, or what stands for them in a part of a network.
    let outputs = Set(network.nodes.compactMap(\.output))
    for edge in network.nodes.flatMap(\.inputs) where !outputs.contains(edge) {
      guard memories[edge] == nil else { continue }
      memories[edge] = try EdgeMemory(
        edge, in: network, placement, floats: ends.contains(edge), gradient: .none, over: nil)
    }
    var placed: [(any PlacedLayer, [EdgeMemory])] = []
    for (index, node) in network.nodes.enumerated() {
      let inputs = node.inputs.compactMap { memories[$0] }
      var output: EdgeMemory?
      if let edge = node.output {
        let shared =
          node.layer.isInPlace(training: placement.isTraining)
            && network.consumers(of: node.inputs[0]) == 1 ? inputs[0] : nil
        output = try EdgeMemory(
          edge, in: network, placement, floats: ends.contains(edge),
          gradient: network.gradient(of: edge, from: index, placement), over: shared)
        memories[edge] = output
      }
      let site = Site(inputs: inputs, outputEdge: output, placement: placement)
      placed.append((try node.layer.place(site), inputs))
    }
    self.placed = placed
    self.memories = memories
  }

  /// Whether the network has that edge.
  func has(_ edge: Edge) -> Bool { memories[edge] != nil }

  package subscript(edge: Edge) -> EdgeMemory {
    guard let memory = memories[edge] else { preconditionFailure("no such edge here") }
    return memory
  }

  var layers: [any PlacedLayer] { placed.map(\.layer) }

  /// Applies the layers to a block, as a trained model does.
  func apply(_ block: RowBlock, worker: Int) {
    for (layer, _) in placed { layer.apply(block, worker: worker) }
  }

  func addForward(to plan: inout RowPlan) {
    for (layer, _) in placed { layer.addForward(to: &plan) }
  }

  func addBackward(to plan: inout RowPlan) throws {
    // What a weight's gradient sums over the whole batch is zero in blocks without a live row.
    for case .delta(let matrix) in memories.values.map(\.gradient) {
      let repeats = matrix.rows / placement.blocks.capacity
      plan.addForDead { block, _ in
        let rows = block.times(repeats)
        matrix.clear(rows.row..<rows.row + rows.size)
      }
    }
    for (layer, _) in placed.reversed() { try layer.addBackward(to: &plan) }
  }

  func gradientTasks() throws -> [GradientTask] {
    try placed.flatMap { try $0.layer.gradientTasks() }
  }
}

extension EdgeMemory {
  /// - Parameters:
  ///   - floats: whether the values are read from outside, as floats.
  ///   - shared: the memory whose values the output of an elementwise layer overwrites.
  fileprivate convenience init(
    _ edge: Edge, in network: Network, _ placement: Placement, floats: Bool, gradient: Gradient,
    over shared: EdgeMemory?
  ) throws {
    let readers = network.nodes.filter { $0.inputs.contains(edge) }.map(\.layer.reads)
    let needsFloats = floats || readers.contains(.floats)
    let needsOperand = readers.contains(.operand)
    let repeats = placement.count(edge.repeats)
    let rows = placement.blocks.capacity * repeats
    func matrix(_ precision: Precision) throws -> Matrix {
      try Matrix(rows: rows, width: edge.width, precision: precision)
    }
    let values: Matrix
    if let shared, shared.values.precision == .f32 {
      values = shared.values
    } else {
      values = try matrix(needsOperand && !needsFloats ? placement.precision : .f32)
    }
    let operand =
      needsOperand && values.precision != placement.precision
      ? try matrix(placement.precision) : values
    if case .register(let register) = gradient {
      try register.reserve(placement.blocks.size * repeats * edge.width)
    }
    try placement.workspace.reserve(placement.blocks.size * repeats * edge.width)
    self.init(
      width: edge.width, repeats: repeats, values: values, operand: operand, gradient: gradient,
      mayBorrow: !needsFloats, blocks: placement.blocks.count, workspace: placement.workspace)
  }
}

extension Network {
  /// Where the gradient of the output of node `index` lies.
  fileprivate func gradient(of edge: Edge, from index: Int, _ placement: Placement) throws
    -> EdgeMemory.Gradient
  {
    guard placement.isTraining else { return .none }
    let consumers = nodes.indices.filter { nodes[$0].inputs.contains(edge) }
    let rows = placement.blocks.capacity * placement.count(edge.repeats)
    if self.consumers(of: edge) == 1 {
      if nodes[index].layer.gradient == .operand {
        return .delta(
          try Matrix(rows: rows, width: edge.width, precision: placement.precision))
      }
      if consumers[0] == index + 1 { return .register(placement.register) }
    }
    return .sum(try Matrix(rows: rows, width: edge.width))
  }
}
