import Foundation
import VAECore

/// Softmax regression in Double, as written on paper.
enum NaiveProbe {
  /// The probabilities of one row; `weights` are [classes, x.count].
  static func probabilities(_ x: [Double], weights: [Double], bias: [Double]) -> [Double] {
    let logits = bias.indices.map { k in
      bias[k] + x.indices.reduce(0) { $0 + weights[k * x.count + $1] * x[$1] }
    }
    let most = logits.max() ?? 0
    let e = logits.map { exp($0 - most) }
    let sum = e.reduce(0, +)
    return e.map { $0 / sum }
  }

  /// The largest component of the gradient of the mean objective, penalty included.
  static func slope(
    rows: [[Double]], labels: [Int], weights: [Double], bias: [Double], l2: Double
  ) -> Double {
    let d = rows[0].count
    var dw = weights.map { l2 * $0 }
    var db = [Double](repeating: 0, count: bias.count)
    for (x, label) in zip(rows, labels) {
      let p = probabilities(x, weights: weights, bias: bias)
      for k in bias.indices {
        let delta = p[k] - (k == label ? 1 : 0)
        db[k] += delta
        for i in 0..<d { dw[k * d + i] += delta * x[i] }
      }
    }
    return (dw + db).map { abs($0) }.max().map { $0 / Double(rows.count) } ?? 0
  }
}

/// Rows around a centre for each class, and their labels.
struct LabelledRows {
  let width: Int
  let values: [Float]
  let classes: [Int]
  /// Positions in `classes`.
  let positions: [Int]

  init(rows: Int, width: Int, classes: [Int], spread: Float = 1, seed: UInt64 = 1) {
    self.width = width
    self.classes = classes
    var normals = [Float](repeating: 0, count: (rows + classes.count) * width)
    normals.withUnsafeMutableBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return }
      Noise(seed: seed, purpose: .sample).normals(
        into: base, rows: rows + classes.count, columns: width, stride: width)
    }
    let centres = normals[(rows * width)...].map { $0 }
    positions = (0..<rows).map { $0 % classes.count }
    let positions = positions
    values = (0..<rows * width).map { i in
      centres[positions[i / width] * width + i % width] + spread * normals[i]
    }
  }

  var labels: [Int] { positions.map { classes[$0] } }
  var rows: [[Double]] {
    stride(from: 0, to: values.count, by: width).map {
      values[$0..<$0 + width].map(Double.init)
    }
  }

  func store() throws -> RowStore {
    try RowStore(
      Streams.reader(Streams.rows(values, shape: "(\(values.count / width), \(width))")))
  }

  func fit(
    threads: Int = 2, _ change: (inout RegressionOptions) -> Void = { _ in }
  ) throws -> FittedProbe {
    var options = RegressionOptions()
    change(&options)
    return try ProbeFitter(
      rows: store(), labels: Labels(labels, name: "y.npy"), options: options,
      pool: WorkerPool(threads: threads)
    ).fit()
  }
}

extension Probe {
  /// A parameter by its name.
  func values(_ name: String) -> [Double] {
    parameters.index(of: name).map { parameters[$0].map(Double.init) } ?? []
  }
}
