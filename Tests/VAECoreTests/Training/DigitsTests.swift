import Foundation
import Testing
import VAECore

/// Whole runs on real rows: the digits that the project draws, and MNIST where it is.
struct DigitsTests {
  private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
  private static let mnist = ProcessInfo.processInfo.environment["MNIST_DIR"]

  private func images(_ folder: String, _ name: String) throws -> RowStore {
    let path = [".gz", ""].map { "\(folder)/\(name)\($0)" }
      .first { FileManager.default.fileExists(atPath: $0) }
    return try RowStore(TensorReader(ByteSource(path: try #require(path))))
  }

  /// Trains and returns the reports.
  private func train(
    _ rows: TrainingRows, _ options: TrainingOptions, hidden: [Int], latent: Int
  ) throws -> [EpochReport] {
    let model = try VAE(
      VAEConfiguration(inputShape: [28, 28], hidden: hidden, latent: latent), seed: 0)
    let trainer = try Trainer(model, on: rows, options: options, pool: WorkerPool(threads: 2))
    var reports: [EpochReport] = []
    let outcome = try trainer.run { event in
      if case .epoch(let report, _, _) = event { reports.append(report) }
    }
    #expect(outcome == .finished)
    #expect(model.parameters.isFinite)
    return reports
  }

  /// bf16 rounds each weight and activation by up to 2⁻⁹ of itself; the losses of a step differ by
  /// less than that, but the paths part. Seeds part them by 2 % after three epochs; less than half
  /// of that is allowed here.
  @Test(.enabled(if: MatmulTests.hasBF16)) func precisionsReachTheSameLoss() throws {
    let folder = Self.root.path + "/Samples/digits"
    let rows = TrainingRows(
      try images(folder, "train-images-idx3-ubyte"),
      validationRows: try images(folder, "t10k-images-idx3-ubyte"))
    var options = TrainingOptions()
    options.epochs = 3
    let f32 = try train(rows, options, hidden: [100], latent: 10)
    options.precision = .bf16
    let bf16 = try train(rows, options, hidden: [100], latent: 10)
    for (a, b) in zip(f32, bf16) {
      let (a, b) = (try #require(a.validation).loss, try #require(b.validation).loss)
      #expect(abs(a - b) < 0.01 * a, "\(a) and \(b)")
    }
    let losses = f32.compactMap { $0.validation?.loss }
    #expect(losses == losses.sorted(by: >))
  }

  /// PyTorch reaches 127.3 nats with the same network and rows (one draw a row).
  @Test(.enabled(if: mnist != nil, "wants $MNIST_DIR")) func firstEpochOfMNIST() throws {
    let folder = try #require(Self.mnist)
    let rows = TrainingRows(
      try images(folder, "train-images-idx3-ubyte"),
      validationRows: try images(folder, "t10k-images-idx3-ubyte"))
    var options = TrainingOptions()
    options.epochs = 1
    options.precision = .fastest
    let report = try #require(train(rows, options, hidden: [400], latent: 20).first)
    let loss = try #require(report.validation).loss
    #expect(abs(loss - 127) < 3)
  }
}
