import Testing

@testable import Reactor

@Suite("io_uring: the self-test and the choice of a backend")
struct SelfTestTests {
  @Test("this kernel has everything")
  func everything() throws {
    let start = ContinuousClock.now
    #expect(try SelfTest.capabilities() == IOURingCapabilities())
    #expect(ContinuousClock.now - start < .milliseconds(500))
  }
}
