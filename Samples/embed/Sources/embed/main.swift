// VAECore in a program of its own: trains a model on rows in memory, saves and loads it, encodes and
// decodes. Leaves embed.vae and embed.npy in the current folder; its last line is the sum of the
// latents of those rows, as `vae-encode embed.vae embed.npy` gives them.
import VAECore

// Pictures of 8 × 8, each with a bright row and a bright column.
let side = 8
var rows: [Float] = []
for number in 0..<2000 {
  let (y, x) = (number % side, number / side % side)
  for i in 0..<side * side { rows.append(i / side == y || i % side == x ? 0.9 : 0.1) }
}

// A model of those rows, with the initial weights of seed 0, and its training.
var configuration = VAEConfiguration(inputShape: [side, side], hidden: [64], latent: 6)
configuration.style.activation = .silu
let vae = try VAE(configuration, seed: 0)
let store = try RowStore(rows, rowShape: [side, side])
var options = TrainingOptions()
options.epochs = 20
options.optimiser.learningRate = 3e-3
let pool = try WorkerPool()
let trainer = try Trainer(vae, on: TrainingRows(store), options: options, pool: pool)
_ = try trainer.run { event in
  if case .epoch(let report, _, _) = event, report.epoch % 5 == 0 {
    print("epoch \(report.epoch): \(report.training.loss) nats a row")
  }
}

// Into a file and back.
try trainer.write(to: "embed.vae")
let loaded = try VAE(path: "embed.vae")
print("first weights: \(loaded.parameters.values(of: "encoder.0.weight")?.prefix(3) ?? [])")

// 100 rows through the model, and into a file that NumPy and the tools read.
let some = Array(rows.prefix(100 * side * side))
let file = try AtomicFile(path: "embed.npy")
let writer = try TensorWriter(file.sink, type: .f4, rowShape: [side, side], rows: 100)
try some.withUnsafeBufferPointer { try writer.write($0) }
try writer.finish()
try file.commit()
let latents = try loaded.encode(some, pool: pool)
let back = try loaded.decode(latents, pool: pool)
let error = zip(some, back).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) } / Float(some.count)
let scores = try loaded.score(some, pool: pool)
print("squared error of a value: \(error); worst row: \(scores.max() ?? 0) nats")
print(latents.reduce(0.0) { $0 + Double($1) })
