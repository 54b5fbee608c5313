import Testing
import VAECore

struct RepulsionTests {
  private typealias Place = NaiveTSNE.Place

  /// The forces and Z.
  private func forces(
    _ places: [Place], theta: Float, threads: Int = 2
  ) throws -> (forces: [Place], z: Double) {
    let repulsion = try Repulsion(
      points: places.count, theta: theta, pool: try WorkerPool(threads: threads))
    let z = repulsion.update(places.map { Float($0.x) }, places.map { Float($0.y) })
    let forces = places.indices.map {
      Place(Double(repulsion.x.base[$0]), Double(repulsion.y.base[$0]))
    }
    return (forces, z)
  }

  /// The greatest error of a force, relative to the greatest force, and that of Z, relative to
  /// itself, or to what each point adds by meeting itself, which is taken off in `Float`.
  private func error(_ places: [Place], theta: Float) throws -> (force: Double, z: Double) {
    let rounded = places.map { Place(Double(Float($0.x)), Double(Float($0.y))) }
    let naive = NaiveTSNE(joint: [])
    let (forces, z) = try forces(places, theta: theta)
    func length(_ force: Place) -> Double { (force * force).sum().squareRoot() }
    let expected = naive.repulsion(rounded)
    let z0 = naive.z(rounded)
    let scale = expected.map(length).max() ?? 0
    let worst = zip(forces, expected).map { length($0 - $1) }.max() ?? 0
    return (worst / max(scale, 1e-30), (z - z0).magnitude / max(z0, Double(places.count)))
  }

  private func places(_ count: Int, scale: Double = 1) -> [Place] {
    let normals = Analysis.normals(count, 2)
    return (0..<count).map {
      scale * Place(Double(normals[2 * $0]), Double(normals[2 * $0 + 1]))
    }
  }

  /// Counts around the four points that are summed at once.
  @Test(arguments: [2, 3, 4, 5, 257, 600]) func sumsAllPairs(_ count: Int) throws {
    for scale in [1e-4, 1, 30] {
      let error = try error(places(count, scale: scale), theta: 0)
      #expect(error.force < 1e-5 && error.z < 1e-5)
    }
  }

  @Test(arguments: [2, 9, 65, 600]) func treeComesNear(_ count: Int) throws {
    for scale in [1e-4, 1, 30] {
      let near = try error(places(count, scale: scale), theta: 0.25)
      #expect(near.force < 5e-3 && near.z < 5e-3)
      let nearer = try error(places(count, scale: scale), theta: 1e-3)
      #expect(nearer.force < 1e-5 && nearer.z < 1e-5)
    }
  }

  /// Shapes that trees trip over: coincident points, more of them than a group holds, lines, and
  /// an outlier that puts all others in one cell.
  @Test func treeTakesAnyShape() throws {
    let cloud = places(300)
    let shapes: [[Place]] = [
      [Place](repeating: Place(3, 4), count: 200),
      cloud + [Place](repeating: cloud[5], count: 200),
      (0..<300).map { Place(Double($0), 0) },
      (0..<300).map { Place(0, Double($0) / 100) },
      cloud + [Place(1e7, -1e7)],
      (0..<256).map { Place(Double($0 % 16), Double($0 / 16)) },
    ]
    for shape in shapes {
      let error = try error(shape, theta: 0.25)
      #expect(error.force < 1e-2 && error.z < 5e-3)
    }
  }

  @Test(arguments: [Float(0), 0.25]) func doesNotDependOnThreads(_ theta: Float) throws {
    let cloud = places(3000, scale: 20)
    let one = try forces(cloud, theta: theta, threads: 1)
    let three = try forces(cloud, theta: theta, threads: 3)
    #expect(one.forces == three.forces && one.z == three.z)
  }
}
