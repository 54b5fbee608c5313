import Testing
import VAECore

struct ElementTypeTests {
  @Test(arguments: ElementType.allCases)
  func nameGivesSize(_ type: ElementType) {
    #expect(String(type.size) == type.rawValue.dropFirst())
    #expect(type.isFloatingPoint == type.rawValue.hasPrefix("f"))
  }

  @Test func descriptorsAreNumPys() {
    #expect(ElementType.u1.descriptor == "|u1")
    #expect(ElementType.b1.descriptor == "|b1")
    #expect(ElementType.f4.descriptor == "<f4")
    #expect(ElementType.i8.descriptor == "<i8")
  }
}
