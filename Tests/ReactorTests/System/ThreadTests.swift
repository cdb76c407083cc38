import CProcess
import Glibc
import Testing

@testable import Reactor

@Suite("Threads and what the process may use")
struct ThreadTests {
  @Test("a thread has its name, cut to 15 bytes, and has run when join returns")
  func start() throws {
    let seen = ConditionLock("")
    let thread = try Thread.start(name: "martlet reactor 17") {
      let text = TextFile.read("/proc/thread-self/comm")
      seen.withLock { $0 = text ?? "" }
    }
    thread.join()
    #expect(seen.withLock { $0 } == "martlet reactor\n")
  }

  @Test("a pinned thread runs on its CPU only, and one that may not be used is refused")
  func pin() throws {
    let last = try #require(CPUSet.usable().numbers.last)
    let seen = ConditionLock<[CPUSet]>([])
    let thread = try Thread.start(name: "pinned") {
      try? Thread.pinCurrent(to: last)
      let refused = (try? Thread.pinCurrent(to: 8_000)) == nil
      seen.withLock { $0 = refused ? [CPUSet.usable()] : [] }
    }
    thread.join()
    #expect(seen.withLock { $0 } == [CPUSet([last])])
  }

  @Test("signals for the process are not delivered to a started thread, its own faults are")
  func signals() throws {
    let blocked = ConditionLock<[Bool]>([])
    let thread = try Thread.start(name: "masked") {
      var mask = sigset_t()
      pthread_sigmask(SIG_SETMASK, nil, &mask)
      let members = [SIGINT, SIGTERM, SIGSEGV].map { sigismember(&mask, $0) == 1 }
      blocked.withLock { $0 = members }
    }
    thread.join()
    #expect(blocked.withLock { $0 } == [true, true, false])
  }

  @Test("a thread for handlers has blocked what both its maker and the main thread have")
  func handlersSignals() async {
    await #expect(processExitsWith: .success) {
      try inForkedProcess {
        // This is the main thread.
        try setMask([]) { try expectBlocked([]) }
        try setMask([SIGTERM, SIGUSR1]) { try expectBlocked([SIGTERM, SIGUSR1]) }
        try setMask([SIGTERM]) {
          let maker = try Thread.start(name: "maker", blocking: .all) {
            do { try expectBlocked([SIGTERM]) } catch { exit(1) }
          }
          maker.join()
        }
      }
    }
  }

  @Test("the number of reactors is at least one and at most the usable CPUs")
  func reactorCount() {
    let usable = CPUSet.usable().numbers.count
    #expect((1...usable).contains(CPUSet.reactorCountDefault()))
  }

  @Test("the open-file limit is raised to all the process may have, and stays there")
  func openFileLimit() {
    let raised = OpenFileLimit.raise()
    #expect(raised >= 256)
    #expect(OpenFileLimit.current == raised)
    #expect(OpenFileLimit.raise() == raised)
  }

  @Test("the clock counts nanoseconds and never goes back")
  func clock() {
    let before = MonotonicClock.nowNanoseconds()
    usleep(2_000)
    let elapsed = MonotonicClock.nowNanoseconds() - before
    #expect(elapsed >= 2_000_000)
    #expect(elapsed < 2_000_000_000)
  }
}

private func setMask(_ signals: [Int32], _ body: () throws -> Void) rethrows {
  var mask = sigset_t()
  sigemptyset(&mask)
  for signal in signals { sigaddset(&mask, signal) }
  pthread_sigmask(SIG_SETMASK, &mask, nil)
  try body()
}

private func expectBlocked(_ expected: Set<Int32>) throws {
  let seen = ConditionLock<Set<Int32>>([])
  let thread = try Thread.start(name: "handlers", blocking: .handlers) {
    var mask = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &mask)
    let blocked = (1..<Int32(32)).filter { sigismember(&mask, $0) == 1 }
    seen.withLock { $0 = Set(blocked) }
  }
  thread.join()
  #expect(seen.withLock { $0 } == expected)
}
