import CKernels

/// The channels of a map moved from first to last, as convolutions read them, or back.
public struct MoveChannels: Layer {
  public enum Place: Sendable {
    case first
    case last
  }

  public let map: MapShape
  public let place: Place

  /// - Parameter place: where the output has its channels.
  public init(of map: MapShape, to place: Place) {
    self.map = map
    self.place = place
  }

  public func outputShape(_ inputs: [[Int]]) -> [Int] {
    place == .last ? map.shape : [map.channels, map.height, map.width]
  }

  public func place(_ site: Site) throws -> any PlacedLayer {
    PlacedMoveChannels(
      rows: place == .last ? map.channels : map.places,
      columns: place == .last ? map.places : map.channels, site)
  }
}

private final class PlacedMoveChannels: PlacedLayer {
  private let rows: Int
  private let columns: Int
  private let site: Site

  init(rows: Int, columns: Int, _ site: Site) {
    self.rows = rows
    self.columns = columns
    self.site = site
  }

  func apply(_ block: RowBlock, worker: Int) {
    let y = site.output
    let to = y.draft(block, worker: worker)
    vt_transpose(to, site.inputs[0].floats(block), y.rows(block).size, rows, columns)
    y.store(to, block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    guard let dx = site.inputs[0].contribution() else { return }
    let own = try WorkerScratch(workers: site.placement.workers)
    try own.reserve(site.placement.blocks.size * site.output.repeats * site.output.width)
    plan.add { [self] block, worker in
      // The share may lie where the gradient of the output does.
      let dy = site.output.gradient(block, worker: worker)
      vt_transpose(own[worker], dy, site.output.rows(block).size, columns, rows)
      dx.deliver(own[worker], block, worker: worker)
    }
  }
}

/// Edges side by side. One that has a row for each row of the batch, and no gradient, goes with each
/// particle of the others.
public struct Join: Layer {
  public init() {}

  public func outputShape(_ inputs: [[Int]]) -> [Int] {
    [inputs.reduce(0) { $0 + $1.reduce(1, *) }]
  }

  public func place(_ site: Site) throws -> any PlacedLayer { PlacedJoin(site) }
}

private final class PlacedJoin: PlacedLayer {
  private let site: Site

  init(_ site: Site) { self.site = site }

  func apply(_ block: RowBlock, worker: Int) {
    let y = site.output
    let to = y.draft(block, worker: worker)
    var first = 0
    for x in site.inputs {
      let values = x.floats(block)
      let share = y.repeats / x.repeats
      for row in 0..<y.rows(block).size {
        (to + row * y.width + first).update(from: values + row / share * x.width, count: x.width)
      }
      first += x.width
    }
    y.store(to, block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    let y = site.output
    let shares = site.inputs.map { $0.contribution() }
    let own = try WorkerScratch(workers: site.placement.workers)
    try own.reserve(site.placement.blocks.size * y.repeats * y.width)
    plan.add { [site] block, worker in
      let rows = y.rows(block).size
      // A share may lie where the gradient of the output does.
      let dy = own[worker]
      dy.update(from: y.gradient(block, worker: worker), count: rows * y.width)
      var first = 0
      for (x, share) in zip(site.inputs, shares) {
        if let share {
          let to = share.destination(block, worker: worker)
          for row in 0..<rows {
            (to + row * x.width).update(from: dy + row * y.width + first, count: x.width)
          }
          share.deliver(to, block, worker: worker)
        }
        first += x.width
      }
    }
  }
}

/// y = x + b, the same b [channels] at every place of a map x.
public struct AddByChannel: Layer {
  public init() {}

  public func place(_ site: Site) throws -> any PlacedLayer { try PlacedAddByChannel(site) }
}

private final class PlacedAddByChannel: PlacedLayer {
  private let site: Site
  private let channels: Int
  private let places: Int
  /// Sums over the places, [block, channels].
  private let sums: WorkerScratch

  init(_ site: Site) throws {
    self.site = site
    channels = site.inputs[1].width
    places = site.inputs[0].width / channels
    sums = try WorkerScratch(workers: site.placement.workers)
    if site.placement.isTraining {
      try sums.reserve(site.placement.blocks.size * site.output.repeats * channels)
    }
  }

  func apply(_ block: RowBlock, worker: Int) {
    let y = site.output
    let to = y.draft(block, worker: worker)
    let (x, b) = (site.inputs[0].floats(block), site.inputs[1].floats(block))
    for row in 0..<y.rows(block).size {
      for place in row * places..<(row + 1) * places {
        let at = place * channels
        for c in 0..<channels { to[at + c] = x[at + c] + b[row * channels + c] }
      }
    }
    y.store(to, block)
  }

  func addBackward(to plan: inout RowPlan) {
    let y = site.output
    let (dx, db) = (site.inputs[0].contribution(), site.inputs[1].contribution())
    plan.add { [self] block, worker in
      let dy = y.gradient(block, worker: worker)
      for row in 0..<y.rows(block).size {
        vt_channel_sums(
          sums[worker] + row * channels, dy + row * y.width, 0, places, channels)
      }
      dx?.deliver(dy, block, worker: worker)
      db?.deliver(sums[worker], block, worker: worker)
    }
  }
}

/// y = a + b.
public struct Sum: Layer {
  public init() {}

  public func place(_ site: Site) throws -> any PlacedLayer { PlacedSum(site) }
}

private final class PlacedSum: PlacedLayer {
  private let site: Site

  init(_ site: Site) { self.site = site }

  func apply(_ block: RowBlock, worker: Int) {
    let y = site.output
    let count = y.rows(block).size * y.width
    let to = y.draft(block, worker: worker)
    to.update(from: site.inputs[0].floats(block), count: count)
    vt_add(to, site.inputs[1].floats(block), count)
    y.store(to, block)
  }

  func addBackward(to plan: inout RowPlan) throws {
    let y = site.output
    let shares = site.inputs.map { $0.contribution() }
    plan.add { block, worker in
      let dy = y.gradient(block, worker: worker)
      for share in shares { share?.deliver(dy, block, worker: worker) }
    }
  }
}
