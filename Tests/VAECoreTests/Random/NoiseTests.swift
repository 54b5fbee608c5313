import CKernels
import Testing
import VAECore

struct NoiseTests {
  /// The known answers of Random123 for philox4x32 with ten rounds.
  @Test func philoxGivesTheKnownAnswers() {
    #expect(
      philox4x32(counter: SIMD4(0, 0, 0, 0), key: 0)
        == SIMD4(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      philox4x32(counter: SIMD4(repeating: 0xffff_ffff), key: 0xffff_ffff_ffff_ffff)
        == SIMD4(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox4x32(
        counter: SIMD4(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: 0x299f_31d0_a409_3822)
        == SIMD4(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func normalsAndUniformsAreThoseOfTheSpecification() throws {
    let golden = GoldenTests.steps.file
    let noise = Noise(seed: 0x0123_4567_89AB_CDEF, purpose: .latent, step: 7)
    var normals = [Float](repeating: 0, count: 27)
    noise.normals(into: &normals, rows: 3, columns: 9, stride: 9, firstRow: 1 << 33 + 5)
    expectClose(
      normals, try golden.floats("normals"), relative: 2e-6, absolute: 2e-7, "normals")
    var uniforms = [Float](repeating: 0, count: 27)
    vt_uniforms(
      &uniforms, 3, 9, noise.seed, NoisePurpose.dropout.rawValue, 7, 200, 1 << 33 + 5)
    #expect(uniforms == (try golden.floats("uniforms")))
  }

  @Test func normalsAreNormal() {
    var x = [Float](repeating: 0, count: 400_000)
    Noise(seed: 3, purpose: .sample).normals(into: &x, rows: 20_000, columns: 20, stride: 20)
    let n = Double(x.count)
    func moment(_ power: Int) -> Double {
      x.reduce(0.0) { sum, x in sum + (0..<power).reduce(1.0) { p, _ in p * Double(x) } } / n
    }
    // Five standard errors of each sample moment: √(1/n), √(2/n), √(15/n), √(96/n).
    #expect(abs(moment(1)) < 5 * (1 / n).squareRoot())
    #expect(abs(moment(2) - 1) < 5 * (2 / n).squareRoot())
    #expect(abs(moment(3)) < 5 * (15 / n).squareRoot())
    #expect(abs(moment(4) - 3) < 5 * (96 / n).squareRoot())
  }

  @Test func aValueDependsOnItsPlaceAlone() {
    let noise = Noise(seed: 5, purpose: .latent, step: 9)
    var whole = [Float](repeating: 0, count: 70 * 7)
    noise.normals(into: &whole, rows: 70, columns: 7, stride: 7)
    var part = [Float](repeating: 0, count: 3 * 7)
    noise.normals(into: &part, rows: 3, columns: 7, stride: 7, firstRow: 66)
    #expect(Array(whole[(66 * 7)..<(69 * 7)]) == part)
  }

  @Test(arguments: [0, 1, 2, 1000])
  func permutationsHoldEachOnce(_ count: Int) {
    let noise = Noise(seed: 1, purpose: .shuffle, step: 4)
    let order = permutation(of: count, noise: noise)
    #expect(order.sorted() == (0..<UInt32(count)).map { $0 })
    #expect(order == permutation(of: count, noise: noise))
    if count == 1000 {
      #expect(order != permutation(of: count, noise: Noise(seed: 2, purpose: .shuffle, step: 4)))
    }
  }
}
