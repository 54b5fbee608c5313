public import VAECore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What is shown of a model, and how.
public struct PageOptions: Sendable {
  /// Rows at most.
  public var rows = 2000
  /// The heading; the name of the model's file when not given.
  public var title: String?
  /// What the kinds of labels are called, from the least up; none: their numbers.
  public var labelNames: [String] = []
  /// What the values of a row are called; none: nothing.
  public var columnNames: [String] = []
  /// The size of the pictures that rows are; none: as the model sees them.
  public var size: PixelSize?
  /// Whether weights have 16 bits, which halves them, and not 32.
  public var halvesWeights = false

  public init() {}
}

/// A page of HTML that shows a model and holds all it needs for that: the decoder, rows, scripts.
public final class ModelPage {
  private let model: any LatentModel
  private let options: PageOptions
  private var content: PageContent
  private var arrays = PageArrays()

  /// A page of the model alone.
  ///
  /// - Throws: as `ModelFile.model`; `ModelError.noDecoder`; `PageError` for names that do not fit;
  ///   `GridError` where rows are no pictures of the size asked for.
  public init(_ file: SafetensorsFile, options: PageOptions) throws {
    model = try ModelFile.model(in: file)
    guard let configuration = model.architecture as? VAEConfiguration else {
      throw ModelError.noDecoder
    }
    guard options.columnNames.isEmpty || options.columnNames.count == model.inputSize else {
      throw PageError.columnCount(expected: model.inputSize, got: options.columnNames.count)
    }
    let classes = configuration.classes
    let names = options.labelNames
    guard classes.isEmpty || names.isEmpty || names.count == classes.count else {
      throw AnalysisError.nameCount(expected: classes.count, got: names.count)
    }
    self.options = options
    let description = FileDescription(file)
    // All but where the file lies.
    let facts = description.facts.dropFirst().map { [$0.name, $0.value] }
    let range = configuration.inputRange ?? 0...1
    let isBounded = type(of: configuration.likelihood).isBounded
    content = PageContent(
      title: options.title ?? file.name.split(separator: "/").last.map(String.init) ?? file.name,
      config: JSONValue(text: try model.configurationJSON()), training: description.training,
      facts: Array(facts),
      drawing: try RowDrawing(
        configuration, size: options.size, hasNames: !options.columnNames.isEmpty),
      range: isBounded ? [0, 1] : [range.lowerBound, range.upperBound],
      columns: options.columnNames,
      classes: names.isEmpty || classes.isEmpty ? classes.map(String.init) : names)
    for (index, spec) in model.parameters.specs.enumerated() where isShown(spec.name) {
      arrays.add(
        spec.name, model.parameters.fileValues(index), shape: spec.shape,
        asHalves: options.halvesWeights)
    }
  }

  /// Whether the mean row of a latent depends on a parameter: the other heads of the likelihood say
  /// how far rows spread about it.
  private func isShown(_ name: String) -> Bool {
    name.hasPrefix("decoder.") && !name.hasPrefix("decoder.output_") && name != "decoder.log_sigma"
  }

  /// Whether rows need labels: the model is conditional.
  public var isConditional: Bool { model.isConditional }

  /// Adds rows, with their latents, scores and maps.
  ///
  /// - Parameters:
  ///   - labels: one for each row of the whole stream.
  ///   - report: told the share of t-SNE that is done, the only part that takes long.
  /// - Returns: what the user should know of the rows.
  /// - Throws: `StreamError`, `LikelihoodError` for rows that are not the model's; `AnalysisError`
  ///   for labels of another number; `ModelError` for labels that a conditional model has not learned
  ///   of; `ComputeError`.
  public func add(
    _ rows: RowStore, labels: PointLabels? = nil, pool: WorkerPool,
    report: (Double) -> Void = { _ in }
  ) throws -> [String] {
    let chosen = try ChosenRows(rows, most: options.rows, rowSize: model.inputSize)
    if let labels { try add(labels, of: chosen) }
    let given = try rowLabels(labels, of: chosen)
    var scoring = ScoreOptions()
    scoring.atMean = true
    let scorer = try model.makeScorer(scoring, labels: given, pool: pool)
    let values = try chosen.prepared(for: scorer)
    let (count, size) = (chosen.count, model.latentSize)
    let means = try model.makeEncoder(.mean, labels: given, pool: pool).apply(values)
    arrays.add("rows.score", try scorer.apply(values), shape: [count])
    arrays.add("rows.latent", means, shape: [count, size])
    var levels: [Float]?
    if case .picture = content.drawing {
      let pixels = chosen.levels()
      arrays.add("rows.value", pixels.bytes, shape: [count, model.inputSize])
      levels = pixels.range
    } else {
      arrays.add("rows.value", chosen.values, shape: [count, model.inputSize])
    }
    content.rows = PageContent.Rows(
      count: count, total: chosen.total, levels: levels,
      divergence: try divergence(of: values, means: means, given, pool: pool),
      explained: try addMaps(of: means, pool: pool, report: report))
    return scorer.remarks
  }

  /// Adds the curves of a run.
  public func add(_ log: Metrics) { content.log = log.epochs.map(\.figures) }

  private func add(_ labels: PointLabels, of rows: ChosenRows) throws {
    switch labels {
    case .kinds(let kinds, let of):
      let names = options.labelNames
      guard names.isEmpty || names.count == kinds.count else {
        throw AnalysisError.nameCount(expected: kinds.count, got: names.count)
      }
      content.labels = .init(kinds: names.isEmpty ? kinds.map(String.init) : names)
      arrays.add("rows.label", rows.indices.map { UInt8(of[$0]) }, shape: [rows.count])
    case .values(let values):
      content.labels = .init(kinds: nil)
      arrays.add("rows.label", rows.indices.map { values[$0] }, shape: [rows.count])
    }
  }

  /// The labels that a conditional model is given, which go into the page as positions among its
  /// classes.
  private func rowLabels(_ labels: PointLabels?, of rows: ChosenRows) throws -> RowLabels? {
    guard let classes = model.roles.label?.classes else { return nil }
    guard let labels, case .kinds(let kinds, let of) = labels else { throw ModelError.needsLabels }
    let positions = try rows.indices.map { row -> UInt32 in
      let label = kinds[of[row]]
      guard let position = classes.firstIndex(of: label) else {
        throw ModelError.unknownLabel(source: "the labels", row: row, label: label)
      }
      return UInt32(position)
    }
    arrays.add("rows.class", positions.map(Float.init), shape: [rows.count])
    let given = RowLabels()
    given.set(positions)
    return given
  }

  /// KL(q(z|x) ‖ p(z)) of each latent, a mean over rows.
  private func divergence(
    of rows: [Float], means: [Float], _ given: RowLabels?, pool: WorkerPool
  ) throws -> [Double]? {
    guard model.roles.latent.hasPosterior else { return nil }
    let logVariances = try model.makeEncoder(.logVariance, labels: given, pool: pool).apply(rows)
    let size = model.latentSize
    var sums = [Double](repeating: 0, count: size)
    for (index, (mean, logVariance)) in zip(means, logVariances).enumerated() {
      let (mean, logVariance) = (Double(mean), Double(logVariance))
      sums[index % size] += (mean * mean + exp(logVariance) - logVariance - 1) / 2
    }
    return sums.map { $0 * Double(size) / Double(means.count) }
  }

  /// More than two latents as points of the plane: along their principal components, and by t-SNE.
  /// Fewer rows than make a map get none.
  private func addMaps(
    of means: [Float], pool: WorkerPool, report: (Double) -> Void
  ) throws -> [Double]? {
    let latents = try RowStore(means, rowShape: [model.latentSize], name: "the latents")
    guard model.latentSize > 2, latents.rows >= 10 else { return nil }
    let pca = try PCA(of: latents, components: 2, pool: pool)
    arrays.add("components.mean", pca.mean.map { Float($0) }, shape: [pca.width])
    arrays.add("components", pca.components.map { Float($0) }, shape: [2, pca.width])
    var options = TSNEOptions()
    options.perplexity = min(options.perplexity, Double(latents.rows / 3))
    let tsne = try TSNE(latents, options: options, pool: pool)
    _ = tsne.run {
      guard case .iteration(let done, _) = $0 else { return }
      report(Double(done) / Double(options.iterations))
    }
    arrays.add("neighbours", tsne.coordinates, shape: [latents.rows, 2])
    return pca.explainedVarianceRatio
  }

  /// Writes the page, the same bytes for the same model, rows and options. The sink is the caller's
  /// to finish.
  ///
  /// - Returns: the bytes of the page.
  public func write(to sink: ByteSink) throws -> Int {
    content.arrays = arrays.entries
    let page = PageTemplate.page(content: try sortedJSON(content), arrays: arrays.base64)
    try sink.write(page)
    return page.count
  }
}
