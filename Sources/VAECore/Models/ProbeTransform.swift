import CKernels

/// A probe at work: rows to probabilities, or to the means of its encoder.
final class ProbeTransform: RowTransform {
  enum Output {
    case probabilities
    case means
  }

  let inputSize: Int
  let outputSize: Int
  var capacity: Int { runner.capacity }
  private let output: Output
  private let encoder: (any TrainableEncoder)?
  private let head: Dense
  private let means: Matrix
  /// The means as the head reads them.
  private let codes: Matrix
  private let runner: BlockRunner

  init(_ probe: Probe, _ output: Output, precision: Precision, pool: WorkerPool) throws {
    let classes = probe.classes.count
    inputSize = probe.inputSize
    outputSize = output == .means ? probe.latentSize : classes
    self.output = output
    let blocks = BlockRunner.blocks(pool)
    encoder = try probe.configuration.encoder?.makeEncoder(
      in: probe.parameters, precision: precision, blocks: blocks,
      scratch: try WorkerScratch(workers: pool.count), workers: pool.count)
    head = try Dense(
      "head", in: probe.parameters, inputs: probe.latentSize, outputs: classes,
      precision: precision, block: blocks.size, workers: pool.count)
    let rows = encoder == nil ? 0 : blocks.capacity
    means = try Matrix(rows: rows, width: probe.latentSize)
    codes =
      precision == .f32
      ? means : try Matrix(rows: rows, width: probe.latentSize, precision: precision)
    runner = try BlockRunner(
      inputs: inputSize, outputs: outputSize, precision: precision, pool: pool)
  }

  func apply(
    _ input: UnsafePointer<Float>, count: Int, firstRow: Int,
    into result: UnsafeMutablePointer<Float>
  ) {
    runner.apply(input, count: count) { x, y, row, worker in
      var x = x
      if let encoder {
        let to = output == .means ? y : means.floats(row)
        encoder.apply(x, into: to, row: row, rows: BlockRunner.block, worker: worker)
        guard output == .probabilities else { return }
        if codes !== means { codes.store(to, row: row, rows: BlockRunner.block) }
        x = UnsafeRawPointer(codes[row])
      }
      head.forward(x, into: y, worker: worker)
    } take: { values, first, rows in
      let to = result + first * outputSize
      to.update(from: values, count: rows * outputSize)
      if output == .probabilities { vt_softmax(to, nil, nil, rows, outputSize) }
    }
  }
}
