import Glibc
import Testing

@testable import Reactor

@Suite("The gate for new connections")
struct AcceptGateTests {
  private typealias Decision = AcceptGate.Decision

  /// Of 20,000 descriptors, 64 are kept for others.
  private func gate(holdsDescriptors: Bool = true) -> AcceptGate {
    AcceptGate(openFileLimit: 20_000, reservedCount: 64, holdsDescriptors: holdsDescriptors)
  }

  @Test("lets crowds in far below the limit, and does not look for the next descriptor")
  func ample() {
    var gate = gate()
    #expect(!gate.acceptsOneByOne)
    #expect(gate.accepted(15_839, at: 0) == Decision())
    #expect(!gate.acceptsOneByOne)
  }

  @Test("lets them in one by one near the limit, and says so once")
  func limited() {
    var gate = gate()
    #expect(gate.accepted(15_840, at: 0) == Decision(narrows: true, looks: true))
    #expect(gate.acceptsOneByOne)
    #expect(gate.accepted(15_841, at: 0) == Decision())
    #expect(gate.accepted(19_934, at: 0) == Decision())
    #expect(gate.accepted(19_935, at: 0) == Decision(looks: true))
  }

  @Test("spares no descriptor of the reserve")
  func reserve() {
    let gate = gate()
    #expect(gate.spares(19_935) && !gate.spares(19_936) && !gate.spares(nil))
    // What came in a crowd may use up half of it, unless connections hold no descriptors.
    #expect(!gate.refuses(19_967) && gate.refuses(19_968))
    #expect(!self.gate(holdsDescriptors: false).refuses(Int32.max))
  }

  @Test(
    "looks after each one when descriptors have run out once, but not for a listener that has stopped"
  )
  func scarce() {
    var gate = gate()
    gate.pause(0, code: EMFILE)
    gate.pause(1, code: EMFILE)
    #expect(gate.supply == .scarce && gate.paused == [0, 1])
    #expect(gate.accepted(100, at: 0) == Decision())
    #expect(gate.forgetPaused() == [0, 1] && gate.paused == [])
    #expect(gate.accepted(100, at: 0) == Decision(looks: true))
  }

  @Test("keeps an eighth of a low limit at most, and lets them in one by one from the start")
  func low() {
    var gate = AcceptGate(openFileLimit: 256, reservedCount: 64, holdsDescriptors: true)
    #expect(gate.descriptorCountMax == 224 && gate.acceptsOneByOne)
    #expect(gate.accepted(200, at: 0) == Decision())
    #expect(gate.accepted(223, at: 0) == Decision(looks: true))
  }

  @Test("takes memory that has run out for no lack of descriptors")
  func memory() {
    var gate = gate()
    gate.pause(0, code: ENOBUFS)
    #expect(gate.supply == .ample && gate.paused == [0])
  }
}
