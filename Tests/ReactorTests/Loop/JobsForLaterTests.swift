import Testing

@testable import Reactor

@Suite("Jobs for later", .serialized)
struct JobsForLaterTests {
  @Test(
    "run in their order, never early, and with .gone at the end", arguments: TestBackend.kinds)
  func order(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    let waits = [30, 0, 10, 10, 60_000, Int.max, Int.min, 20, 10]
    let ran = ConditionLock<[(Int, JobCall, Int64)]>([])
    dialing.run { reactor in
      let start = reactor.nowNanoseconds
      for (number, wait) in waits.enumerated() {
        reactor.execute(afterMilliseconds: wait) { call in
          ran.change { $0.append((number, call, reactor.nowNanoseconds - start)) }
        }
      }
    }
    _ = ran.wait { $0.count == 7 ? true : nil }
    let soon = ran.withLock { $0 }
    #expect(soon.map(\.0) == [1, 6, 2, 3, 8, 7, 0])
    for (number, call, nanoseconds) in soon {
      #expect(call == .run && nanoseconds >= max(0, Int64(waits[number])) * 1_000_000)
    }
    dialing.stop()
    let rest = ran.withLock { $0.suffix(2) }
    #expect(rest.map(\.0) == [4, 5] && rest.allSatisfy { $0.1 == .gone })
    #expect(ran.withLock { $0.count } == waits.count)
  }

  @Test("may add others, and hold up nobody", arguments: TestBackend.kinds)
  func chain(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    let count = ConditionLock(0)
    dialing.run { reactor in Self.again(reactor, count) }
    let first = count.wait { $0 > 100 ? $0 : nil }
    #expect(dialing.run { _ in true })
    _ = count.wait { $0 > first + 100 ? true : nil }
    dialing.stop()
  }

  @Test("that are added at the end are told of it too", arguments: TestBackend.kinds)
  func atTheEnd(kind: BackendKind) throws {
    let dialing = try Dialing(kind)
    let calls = ConditionLock<[JobCall]>([])
    dialing.run { reactor in
      reactor.execute(afterMilliseconds: 60_000) { call in
        calls.withLock { $0.append(call) }
        reactor.execute(afterMilliseconds: 0) { second in
          calls.withLock { $0.append(second) }
        }
      }
    }
    dialing.stop()
    #expect(calls.withLock { $0 } == [.gone, .gone])
  }

  private static func again(_ reactor: Reactor, _ count: ConditionLock<Int>) {
    reactor.execute(afterMilliseconds: 0) { call in
      count.change { $0 += 1 }
      if call == .run { again(reactor, count) }
    }
  }
}
