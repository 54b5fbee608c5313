#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// t-SNE as its definition reads, in `Double`, over all pairs. Points are (x, y).
struct NaiveTSNE {
  typealias Place = SIMD2<Double>

  /// p_ij; the diagonal is 0.
  let joint: [[Double]]

  func similarity(_ a: Place, _ b: Place) -> Double {
    1 / (1 + ((a - b) * (a - b)).sum())
  }

  func z(_ places: [Place]) -> Double {
    places.indices.reduce(0.0) { sum, i in
      places.indices.reduce(sum) { $1 == i ? $0 : $0 + similarity(places[i], places[$1]) }
    }
  }

  func divergence(_ places: [Place]) -> Double {
    let z = z(places)
    var sum = 0.0
    for i in places.indices {
      for j in places.indices where joint[i][j] > 0 {
        sum += joint[i][j] * log(joint[i][j] * z / similarity(places[i], places[j]))
      }
    }
    return sum
  }

  /// The repulsion alone, without 1 / Z.
  func repulsion(_ places: [Place]) -> [Place] {
    places.map { own in
      places.reduce(Place()) {
        let w = similarity(own, $1)
        return $0 + w * w * (own - $1)
      }
    }
  }

  func gradient(_ places: [Place], exaggeration: Double = 1) -> [Place] {
    let z = z(places)
    return zip(places.indices, repulsion(places)).map { i, repulsion in
      var sum = Place()
      for j in places.indices {
        sum += joint[i][j] * similarity(places[i], places[j]) * (places[i] - places[j])
      }
      return 4 * (exaggeration * sum - repulsion / z)
    }
  }

  /// Moves the points some times, at the first stage of scikit-learn's schedule.
  func run(_ start: [Place], iterations: Int, rate: Double) -> [Place] {
    var places = start
    var velocity = start.map { _ in Place() }
    var gain = start.map { _ in Place(1, 1) }
    for _ in 0..<iterations {
      let gradient = gradient(places, exaggeration: 12)
      for i in places.indices {
        for axis in 0..<2 {
          let turned = velocity[i][axis] * gradient[i][axis] < 0
          gain[i][axis] = max(turned ? gain[i][axis] + 0.2 : gain[i][axis] * 0.8, 0.01)
        }
        velocity[i] = 0.5 * velocity[i] - rate * gain[i] * gradient[i]
        places[i] += velocity[i]
      }
    }
    return places
  }
}
