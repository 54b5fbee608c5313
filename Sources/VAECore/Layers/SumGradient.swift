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
    if let own {
      plan.addForDead { [y] block, _ in
        let rows = y.rows(block)
        own.clear(rows.row..<rows.row + rows.size)
      }
      plan.add { [y] block, worker in
        let rows = y.rows(block)
        own.store(y.gradient(block, worker: worker), row: rows.row, rows: rows.size)
        own.clear(rows.dead)
      }
    }
    guard isRectified else { return }
    let matrix = matrix
    // What consumers read tells where the sum was positive as well as the sum itself.
    let output = y.operand.precision == matrix.precision ? y.operand : y.values
    plan.add { [y] block, _ in
      let rows = y.rows(block)
      let count = rows.live * y.width
      if output.precision == matrix.precision {
        vt_relu_backward(matrix[rows.row], output[rows.row], matrix.isBF16, count)
      } else {
        vt_relu_backward_mixed(
          matrix[rows.row].assumingMemoryBound(to: UInt16.self), output.floats(rows.row), count)
      }
    }
  }
}
