import CKernels

/// How all points of a layout push each other away: Σ w²·(y_i − y_j) over all j, not yet divided by
/// Z, and Z itself, w = 1 / (1 + ‖y_i − y_j‖²). Results do not depend on the number of workers.
package final class Repulsion {
  package let points: Int
  /// One value a point: the sums of w²·(x_i − x_j) and of w²·(y_i − y_j).
  package let x: AlignedBuffer<Float>
  package let y: AlignedBuffer<Float>
  private let w: AlignedBuffer<Float>
  private let pool: WorkerPool
  private let tree: Tree?

  /// Points a task.
  private static let block = 256

  /// - Parameter theta: 0 sums over all pairs. Above, boxes of points whose side is less than
  ///   `theta` times their distance count as one point (Barnes and Hut, "A hierarchical
  ///   O(N log N) force-calculation algorithm", 1986).
  /// - Throws: `ComputeError`.
  package init(points: Int, theta: Float, pool: WorkerPool) throws {
    self.points = points
    self.pool = pool
    x = try AlignedBuffer(count: points)
    y = try AlignedBuffer(count: points)
    w = try AlignedBuffer(count: points)
    tree = theta > 0 ? try Tree(points: points, theta: theta, workers: pool.count) : nil
  }

  /// Computes the forces of a layout. Returns Z.
  package func update(_ px: UnsafePointer<Float>, _ py: UnsafePointer<Float>) -> Double {
    if let tree {
      tree.build(px, py)
      pool.run(tasks: tree.tasks) { [self] task, worker in
        tree.run(task, worker: worker, into: forces)
      }
    } else {
      pool.run(tasks: (points + Self.block - 1) / Self.block) { [self] task, _ in
        let first = task * Self.block
        vt_repulsion(
          vt_forces(x: x.base + first, y: y.base + first, w: w.base + first), px + first,
          py + first, min(Self.block, points - first), vt_masses(x: px, y: py, m: nil), points)
      }
    }
    // Each point met itself, with w = 1.
    return (0..<points).reduce(0.0) { $0 + (Double(w.base[$1]) - 1) }
  }

  package var forces: vt_forces { vt_forces(x: x.base, y: y.base, w: w.base) }
}

/// The quadtree, and what each worker gathers of it.
private final class Tree: @unchecked Sendable {
  private struct Scratch {
    let sources: [AlignedBuffer<Float>]
    let forces: [AlignedBuffer<Float>]
  }

  private let theta: Float
  private var tree = vt_quadtree()
  private let keys: AlignedBuffer<UInt64>
  private let order: AlignedBuffer<UInt32>
  private let places: AlignedBuffer<Float>
  private let nodes: AlignedBuffer<vt_node>
  private let groups: AlignedBuffer<vt_group>
  private let scratch: [Scratch]

  /// Groups a task, and the most points a group has.
  private static let groupsPerTask = 8
  private static let groupSize = 64

  init(points: Int, theta: Float, workers: Int) throws {
    self.theta = theta
    keys = try AlignedBuffer(count: 2 * points)
    order = try AlignedBuffer(count: points)
    places = try AlignedBuffer(count: 2 * points)
    nodes = try AlignedBuffer(count: 2 * points)
    groups = try AlignedBuffer(count: points)
    scratch = try (0..<workers).map { _ in
      Scratch(
        sources: try (0..<3).map { _ in try AlignedBuffer(count: points) },
        forces: try (0..<3).map { _ in try AlignedBuffer(count: Self.groupSize) })
    }
    tree.points = points
    tree.keys = keys.base
    tree.order = order.base
    tree.x = places.base
    tree.y = places.base + points
    tree.node = nodes.base
    tree.group = groups.base
  }

  func build(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>) {
    vt_quadtree_build(&tree, x, y)
  }

  var tasks: Int { (tree.groups + Self.groupsPerTask - 1) / Self.groupsPerTask }

  /// The forces on the groups of a task, put where their points are.
  func run(_ task: Int, worker: Int, into forces: vt_forces) {
    let first = task * Self.groupsPerTask
    let (sources, own) = (scratch[worker].sources.map(\.base), scratch[worker].forces.map(\.base))
    withUnsafePointer(to: tree) { tree in
      for index in first..<min(first + Self.groupsPerTask, tree.pointee.groups) {
        let group = groups.base + index
        let (begin, end) = (Int(group.pointee.begin), Int(group.pointee.end))
        let count = vt_quadtree_sources(tree, group, theta, sources[0], sources[1], sources[2])
        vt_repulsion(
          vt_forces(x: own[0], y: own[1], w: own[2]), tree.pointee.x + begin,
          tree.pointee.y + begin, end - begin,
          vt_masses(x: sources[0], y: sources[1], m: sources[2]), count)
        for point in begin..<end {
          let place = Int(order.base[point])
          forces.x[place] = own[0][point - begin]
          forces.y[place] = own[1][point - begin]
          forces.w[place] = own[2][point - begin]
        }
      }
    }
  }
}
