import CKernels
import Testing
import VAECore

/// A layer wide enough that its gradient is cut into several tasks, the last one smaller.
struct DenseTests {
  private static let (inputs, outputs, rows) = (321, 403, 19)

  @Test(arguments: [Precision.f32, .bf16], [false, true])
  func allPassesAreTheSums(_ precision: Precision, _ packed: Bool) throws {
    guard packed ? PackedMatmul.isAvailable(precision) : precision == .f32 || MatmulTests.hasBF16
    else { return }
    let (inputs, outputs, rows) = (Self.inputs, Self.outputs, Self.rows)
    let store = try ParameterStore([
      .init(name: "d.weight", shape: [outputs, inputs], initialiser: .uniform(bound: 0.1)),
      .init(name: "d.bias", shape: [outputs], initialiser: .uniform(bound: 0.1)),
    ])
    store.initialise(seed: 6)
    let dense = try AffineMap(
      "d", in: store, inputs: inputs, outputs: outputs, precision: precision, block: rows,
      workers: 2, packed: packed)
    try dense.prepareBackward()
    let x = try matrix(rows, inputs, precision, scale: 1)
    let dy = try matrix(rows, outputs, precision, scale: 0.1)
    let weight = rounded(Array(store[0]), precision)
    // As many roundings as terms, in whatever order they are added.
    let y = try Matrix(rows: rows, width: outputs)
    dense.forward(x.matrix[0], into: y[0], worker: 0)
    expectWithin(
      values(y),
      bounded(rows, outputs) { r, o in
        .sum(
          (0..<inputs).map { Double(x.values[r * inputs + $0]) * Double(weight[o * inputs + $0]) }
            + [Double(store[1][o])], roundings: Double(inputs))
      }, "y")

    let dx = try Matrix(rows: rows, width: inputs)
    dense.backward(dy.matrix[0], into: dx[0], worker: 1)
    expectWithin(
      values(dx),
      bounded(rows, inputs) { r, i in
        .sum(
          (0..<outputs).map {
            Double(dy.values[r * outputs + $0]) * Double(weight[$0 * inputs + i])
          }, roundings: Double(outputs))
      }, "dx")

    let scratch = try WorkerScratch(workers: 2)
    let tasks = try dense.gradientTasks(x: x.matrix, dy: dy.matrix, scratch: scratch)
    #expect(tasks.count > 1)
    let collector = Collector(store)
    for matrix in [x.matrix, dy.matrix] { matrix.pairRows(0..<rows) }
    for (number, task) in tasks.enumerated() { task.body(collector, number, number % 2) }
    expectWithin(
      collector.gradient(0),
      bounded(outputs, inputs) { o, i in
        .sum(
          (0..<rows).map {
            Double(dy.values[$0 * outputs + o]) * Double(x.values[$0 * inputs + i])
          },
          roundings: Double(rows) + 2)
      }, "dW")
    expectWithin(
      collector.gradient(1),
      bounded(1, outputs) { _, o in
        .sum((0..<rows).map { Double(dy.values[$0 * outputs + o]) }, roundings: Double(rows))
      }, "db")

    store.freeze { $0 == "d.weight" || $0 == "d.bias" }
    #expect(try dense.gradientTasks(x: x.matrix, dy: dy.matrix, scratch: scratch).isEmpty)
  }

  private func bounded(
    _ rows: Int, _ columns: Int, _ body: (Int, Int) -> Bounded
  ) -> [Bounded] {
    (0..<rows).flatMap { r in (0..<columns).map { body(r, $0) } }
  }

  private func matrix(
    _ rows: Int, _ width: Int, _ precision: Precision, scale: Float
  ) throws -> (matrix: Matrix, values: [Float]) {
    let drawn = KernelTests.values(rows * width, scale: scale)
    let matrix = try Matrix(rows: rows, width: width, precision: precision)
    matrix.store(drawn, row: 0, rows: rows)
    return (matrix, rounded(drawn, precision))
  }

  private func rounded(_ x: [Float], _ precision: Precision) -> [Float] {
    guard precision == .bf16 else { return x }
    var packed = [UInt16](repeating: 0, count: x.count)
    vt_bf16_from_f32(&packed, x, x.count)
    return numbers(packed)
  }

  private func values(_ matrix: Matrix) -> [Float] {
    Array(UnsafeBufferPointer(start: matrix.floats(0), count: matrix.rows * matrix.width))
  }
}
