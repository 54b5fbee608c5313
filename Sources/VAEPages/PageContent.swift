import VAECore

/// What the page knows besides its arrays: the JSON that its scripts read.
struct PageContent: Encodable {
  let title: String
  /// The model's configuration, as vae-model(5) has it.
  let config: JSONValue
  let training: JSONValue?
  /// Everything that the file says of itself, names and values.
  let facts: [[String]]
  let drawing: RowDrawing
  /// The least and the greatest value that is drawn.
  var range: [Float]
  /// What the values of a row are called; none where they have no names.
  let columns: [String]
  /// What the classes of a conditional model are called.
  let classes: [String]
  var rows: Rows?
  var labels: Labels?
  /// The figures of each epoch.
  var log: [[String: Double]] = []
  var arrays: [String: PageArrays.Entry] = [:]

  /// Some rows of a stream, evenly spaced. The arrays hold each row, its posterior mean, its score.
  struct Rows: Encodable {
    let count: Int
    /// The rows of the whole stream.
    let total: Int
    /// What the bytes 0 and 255 of rows stand for; none where rows are f32.
    let levels: [Float]?
    /// KL(q(z|x) ‖ p(z)) of each latent, a mean over the rows, in nats; none without a posterior.
    let divergence: [Double]?
    /// The share of the latents' variance along either component; none without components.
    let explained: [Double]?
  }

  /// The array holds for each row the index of its kind, or a number.
  struct Labels: Encodable {
    /// The names of the kinds; none where labels are numbers.
    let kinds: [String]?
  }
}
