import Testing
import VAECore

/// The engine's gradients against central differences of a reference in Double, for every layer,
/// likelihood and objective. The cases are those of the goldens: between them they use each.
struct GradientCheckTests {
  /// Not those whose slopes the reference does not have, nor those that differ in their rows alone.
  private static let cases = GoldenTests.steps.cases.filter {
    $0 != "dynamic" && $0 != "clamped" && !$0.hasPrefix("blocks")
  }

  @Test(arguments: GradientCheckTests.cases)
  func gradientIsTheSlope(_ name: String) throws {
    let golden = GoldenTests.steps
    let run = try GoldenRun(golden, name)
    run.learn(step: 1)
    let collector = Collector(run.model.parameters)
    for phase in run.graph.gradients(into: collector) { run.pool.run(phase) }

    let specs = run.model.parameters.specs
    let reference = NaiveVAE(
      configuration: run.model.configuration,
      objective: try golden.decode(Objective.self, "\(name).objective"), names: specs.map(\.name),
      seed: run.figures.seed, step: 1)
    let x = run.inputs.map { $0.map(Double.init) }
    var parameters = specs.indices.map { run.model.parameters[$0].map(Double.init) }
    expectClose(
      [run.losses.loss], [reference.loss(parameters, x)], relative: 1e-6, "loss")

    // Central differences in Double err by h² times the third derivative and by 1e-16 / h: with
    // h = 1e-5, by less than 1e-9 here. What is left is the engine's rounding in f32.
    let h = 1e-5
    for (index, spec) in specs.enumerated() where spec.isTrained {
      var slopes: [Double] = []
      for i in parameters[index].indices {
        let value = parameters[index][i]
        parameters[index][i] = value + h
        let above = reference.loss(parameters, x)
        parameters[index][i] = value - h
        let below = reference.loss(parameters, x)
        parameters[index][i] = value
        slopes.append((above - below) / (2 * h))
      }
      let scale = slopes.reduce(0) { max($0, abs($1)) }
      expectClose(
        collector.gradient(index), slopes, relative: 2e-5, absolute: max(2e-5 * scale, 2e-6),
        spec.name)
    }
  }
}
