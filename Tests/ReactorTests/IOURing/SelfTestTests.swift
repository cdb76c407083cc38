import Glibc
import Testing

@testable import Reactor

@Suite("io_uring: the self-test and the choice of a backend")
struct SelfTestTests {
  private let refusal = SystemError("io_uring_setup", code: EPERM, advice: "ask for it")

  @Test("this kernel has everything, and it takes no time to find out")
  func everything() throws {
    let start = ContinuousClock.now
    #expect(try SelfTest.capabilities() == IOURingCapabilities())
    #expect(ContinuousClock.now - start < .milliseconds(500))
  }

  @Test("automatic takes io_uring when it passes")
  func automatic() throws {
    let decision = try BackendChoice.automatic.decide(override: nil) { IOURingCapabilities() }
    #expect(decision.kind == .ioURing)
    #expect(decision.mayFallBack)
    #expect(!decision.reason.contains("restricted"))
  }

  @Test("automatic takes epoll when io_uring is refused, and says why")
  func refused() throws {
    let refusal = refusal
    let decision = try BackendChoice.automatic.decide(override: nil) { () throws(SystemError) in
      throw refusal
    }
    #expect(decision.kind == .epoll)
    #expect(decision.reason.contains(refusal.description))
  }

  @Test("io_uring that was demanded and is refused is an error, also by the environment")
  func demanded() throws {
    let refusal = refusal
    #expect(throws: refusal) {
      try BackendChoice.ioURing.decide(override: nil) { () throws(SystemError) in throw refusal }
    }
    #expect(throws: refusal) {
      try BackendChoice.epoll.decide(override: "io_uring") { () throws(SystemError) in
        throw refusal
      }
    }
  }

  @Test("the environment overrides the program, and epoll needs no test of io_uring")
  func override() throws {
    let refusal = refusal
    for choice in BackendChoice.allCases {
      let decision = try choice.decide(override: "epoll") { () throws(SystemError) in
        throw refusal
      }
      #expect(decision.kind == .epoll)
      #expect(decision.reason.contains("MARTLET_BACKEND"))
    }
  }

  @Test("a name that is none is an error that lists the names")
  func unknownName() {
    #expect(throws: SystemError.self) { try BackendChoice.automatic.decide(override: "kqueue") }
  }
}
