/// The description of a network: edges, and the layers between them in the order of their
/// application. An architecture builds it; parameters, training, evaluation, encoding, decoding and
/// scoring all follow from it.
public struct Network: Sendable {
  struct Node: Sendable {
    var layer: any Layer
    var inputs: [Edge]
    /// nil for a term of the loss.
    var output: Edge?
  }

  private(set) var nodes: [Node] = []
  private(set) var edges: [Edge] = []
  /// The columns of the rows that the network reads, by name.
  public private(set) var columns: [String: Edge] = [:]

  public init() {}

  private mutating func edge(_ shape: [Int], _ repeats: Edge.Repeats) -> Edge {
    let edge = Edge(number: edges.count, shape: shape, repeats: repeats)
    edges.append(edge)
    return edge
  }

  /// The column of that name, whose rows have that shape.
  public mutating func column(_ name: String, shape: [Int]) -> Edge {
    let edge = edge(shape, .one)
    columns[name] = edge
    return edge
  }

  /// Applies a layer to edges; returns its output.
  ///
  /// - Throws: where the edges do not fit the layer.
  public mutating func apply(_ layer: some Layer, to inputs: Edge...) throws -> Edge {
    let shape = try layer.outputShape(inputs.map(\.shape))
    let output = edge(shape, layer.repeats(inputs.map(\.repeats)))
    nodes.append(Node(layer: layer, inputs: inputs, output: output))
    return output
  }

  /// Adds a term to the loss.
  public mutating func add(_ term: some TermLayer, of inputs: Edge...) {
    nodes.append(Node(layer: term, inputs: inputs, output: nil))
  }

  /// The parameters of all layers, in order.
  public var parameters: [ParameterSpec] {
    nodes.flatMap { $0.layer.parameters($0.inputs.map(\.shape)) }
  }

  /// The layer that gives `edge`; nil for a column.
  func producer(of edge: Edge) -> (any Layer)? { nodes.first { $0.output == edge }?.layer }

  /// The part of the network that computes `result`, given what `known` holds.
  func part(computing result: Edge, from known: Edge) -> Network {
    var needed: Set<Edge> = [result]
    var part = self
    part.nodes = nodes.reversed().filter { node in
      guard let output = node.output, output != known, needed.contains(output) else { return false }
      needed.formUnion(node.inputs)
      return true
    }.reversed()
    return part
  }

  /// The network with operations joined that a placed layer does at once: a product, its bias and
  /// the activation behind it. (Several products that read one edge are one layer to begin with:
  /// see `Dense`.)
  func fused() -> Network {
    var network = self
    for node in nodes {
      guard let activation = node.layer as? Activation, let sum = node.inputs.first,
        consumers(of: sum) == 1,
        let index = network.nodes.firstIndex(where: { $0.output == sum }),
        let fused = network.nodes[index].layer.fused(with: activation)
      else { continue }
      network.nodes[index].layer = fused
      network.nodes[index].output = node.output
      network.nodes.removeAll { $0.output == node.output && $0.layer is Activation }
    }
    return network
  }

  func consumers(of edge: Edge) -> Int {
    nodes.reduce(0) { $0 + $1.inputs.count { $0 == edge } }
  }
}
