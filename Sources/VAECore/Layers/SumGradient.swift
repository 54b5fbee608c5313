import CKernels

/// The gradient of the sums of a layer of products, over the whole batch, in the precision of the
/// products: the output's own where nothing follows the sum, else what is left behind the
/// rectification.
final class SumGradient {
  private let y: EdgeMemory
  private let isRectified: Bool
  private let own: Matrix?

  /// - Throws: `ComputeError`.
  init(of y: EdgeMemory, isRectified: Bool, _ placement: Placement) throws {
    self.y = y
    self.isRectified = isRectified
    own =
      placement.isTraining && y.delta == nil
      ? try Matrix(
        rows: placement.blocks.times(y.repeats).capacity, width: y.width,
        precision: placement.precision) : nil
  }

  /// [capacity, width], of which dead rows are zero.
  var matrix: Matrix {
    guard let delta = y.delta ?? own else { preconditionFailure("placed for inference") }
    return delta
  }

  /// Adds what computes it from the gradient of the output.
  func addBackward(to plan: inout RowPlan) {
    guard let own else { return }
    plan.addForDead { [y] block, _ in
      let rows = y.rows(block)
      own.clear(rows.row..<rows.row + rows.size)
    }
    plan.add { [self] block, worker in
      let rows = y.rows(block)
      let dy = y.gradient(block, worker: worker)
      let count = rows.size * y.width
      if isRectified, y.operand.precision == own.precision {
        vt_relu_backward(own[rows.row], dy, y.operand[rows.row], own.isBF16, count)
      } else {
        if isRectified {
          Activation.relu.backward(dy, x: y.values.floats(rows.row), count: count)
        }
        own.store(dy, row: rows.row, rows: rows.size)
      }
      own.clear(rows.dead)
    }
  }
}
