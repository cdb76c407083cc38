import Glibc
import Synchronization
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: waiting")
struct WaitingContractTests {
  private func elapsedMilliseconds(_ body: () throws -> Void) rethrows -> Double {
    let start = MonotonicClock.nowNanoseconds()
    try body()
    return Double(MonotonicClock.nowNanoseconds() - start) / 1e6
  }

  @Test(
    "a wait ends at its time: never before, and about 2 ms after it at most",
    arguments: ContractBackend.tested)
  func timeout(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      reactor.settle()
      for milliseconds in [0.0, 0.3, 1.0, 5.5, 20.0] {
        // A busy machine makes some waits longer; the shortest shows what the backend does.
        let times = (0..<10).map { _ in
          elapsedMilliseconds { reactor.wait(milliseconds: milliseconds) }
        }
        #expect(times.allSatisfy { $0 >= milliseconds })
        #expect(times.contains { $0 < milliseconds + 2 })
      }
    }
  }

  @Test("a wait with nothing to do hardly makes system calls", arguments: ContractBackend.tested)
  func noSpin(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      // An open connection, writable all the time, one with unread bytes, one whose peer has gone.
      let (_, idle) = try reactor.connect()
      let (_, unread) = try reactor.connect(receiving: false)
      let (paused, gone) = try reactor.connect()
      let listener = try reactor.listen()
      reactor.backend.pauseReceiving(on: paused)
      unread.write("unread")
      gone.close()
      reactor.settle()
      let before = reactor.backend.systemCallCount
      reactor.wait(milliseconds: 30)
      // A signal to the process, such as for a child that has ended, may add one.
      #expect(reactor.backend.systemCallCount - before <= 3)
      #expect(listener.descriptor >= 0)
      idle.close()
      unread.close()
    }
  }

  @Test("a write to the eventfd ends the wait after it", arguments: ContractBackend.tested)
  func wakeBefore(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      reactor.settle()
      for _ in 0..<100 {
        reactor.wake()
        #expect(elapsedMilliseconds { reactor.wait(milliseconds: 5_000) } < 4_000)
      }
      // Used up: it does not end two.
      #expect(elapsedMilliseconds { reactor.wait(milliseconds: 5) } >= 5)
    }
  }

  @Test(
    "a write to the eventfd from another thread ends a wait without limit, each time",
    arguments: ContractBackend.tested)
  func wakeFromThread(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      reactor.settle()
      let waitCount = Atomic<Int>(0)
      let wakeCount = Atomic<Int>(0)
      let descriptor = reactor.eventDescriptor
      try TestReactor.run(meanwhile: {
        let round = wakeCount.load(ordering: .relaxed)
        guard round < 500 else { return nil }
        guard waitCount.load(ordering: .acquiring) >= round else { return 20 }
        TestReactor.wake(descriptor)
        wakeCount.add(1, ordering: .relaxed)
        return round % 5 == 4 ? 200 : 0
      }) {
        for _ in 0..<500 {
          reactor.backend.wait(WaitBounds(timeoutNanoseconds: -1), deliverTo: reactor.recorder)
          waitCount.add(1, ordering: .releasing)
        }
      }
    }
  }

  @Test(
    "within the coalescing window bytes gather and are delivered together",
    arguments: ContractBackend.tested)
  func coalesce(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      // What makes a delivery smaller than it could be has nothing to do with its time.
      Simulation.current?.faults.shortRead = 0
      Simulation.current?.faults.starvedBuffer = 0
      Simulation.current?.faults.partialDelivery = 0
      let (connection, client) = try reactor.connect()
      reactor.settle()
      let window = WaitBounds(timeoutNanoseconds: 2_000_000_000, coalesceNanoseconds: 40_000_000)
      TestSocket.pause(milliseconds: 50)
      // Long after the last wake: delivered at once.
      client.write("a")
      let first = elapsedMilliseconds {
        while reactor.recorder.trace(connection).bytes.count < 1 {
          reactor.backend.wait(window, deliverTo: reactor.recorder)
        }
      }
      #expect(first < 40)
      // Right after it: the next delivery comes a window later, with what has come until then.
      let descriptor = client.descriptor
      let count = Atomic<Int>(0)
      try TestReactor.run(meanwhile: {
        Socket(descriptor).write("b")
        return count.add(1, ordering: .relaxed).newValue < 5 ? 3_000 : nil
      }) {
        let second = elapsedMilliseconds {
          reactor.backend.wait(window, deliverTo: reactor.recorder)
        }
        #expect(second >= 30)
      }
      #expect(reactor.recorder.trace(connection).bytes == Array("abbbbb".utf8))
      client.close()
    }
  }

  @Test("a coalescing window does not lengthen a timeout", arguments: ContractBackend.tested)
  func coalesceTimeout(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect()
      client.write("a")
      reactor.run(until: { !reactor.recorder.trace(connection).bytes.isEmpty })
      let bounds = WaitBounds(timeoutNanoseconds: 5_000_000, coalesceNanoseconds: 3_000_000_000)
      reactor.wake()
      reactor.backend.wait(bounds, deliverTo: reactor.recorder)
      #expect(
        elapsedMilliseconds { reactor.backend.wait(bounds, deliverTo: reactor.recorder) } < 1_000)
      client.close()
    }
  }

  @Test(
    "one connection that floods does not starve a hundred others", arguments: ContractBackend.tested
  )
  func fairness(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (flooded, flooder) = try reactor.connect()
      let others = try (0..<100).map { _ in try reactor.connect() }
      reactor.settle()
      let descriptor = flooder.descriptor
      let bytes = patternedBytes(1 << 20)
      try TestReactor.run(meanwhile: {
        Socket(descriptor).writeSome(bytes[...]) == 0 ? 50 : 0
      }) {
        reactor.run(until: { reactor.recorder.trace(flooded).receivedCount > 10 })
        for round in 1...20 {
          for (_, client) in others { client.write("x") }
          var waitCount = 0
          while waitCount < 50,
            others.contains(where: { reactor.recorder.trace($0.connection).bytes.count < round })
          {
            // Of a simulation only the network takes time. Here there is to be much in each wait.
            if kind == .simulated { TestSocket.pause(milliseconds: 10) }
            reactor.wait()
            waitCount += 1
          }
          #expect(waitCount <= 10)
        }
      }
      flooder.close()
      for (_, client) in others { client.close() }
    }
  }
}
