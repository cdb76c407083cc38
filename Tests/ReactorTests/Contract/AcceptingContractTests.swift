import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: accepting")
struct AcceptingContractTests {
  @Test("everybody who connects is accepted, on each listener", arguments: ContractBackend.tested)
  func many(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let listeners = [
        try reactor.listen(index: 0),
        try reactor.listen(at: .ipv6(1, port: 0), index: 1),
        try reactor.listen(at: .unixAbstract("martlet-\(getpid())-\(kind)-accept"), index: 2),
      ]
      reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
      var clients: [Socket] = []
      for listener in listeners {
        for number in 0..<200 {
          let client = try TestSocket.connect(listener.address)
          client.write("hello \(number)")
          clients.append(client)
        }
      }
      reactor.run(until: {
        reactor.recorder.accepted.count == clients.count
          && reactor.recorder.traces.values.filter { !$0.bytes.isEmpty }.count == clients.count
      })
      for index in listeners.indices {
        #expect(reactor.recorder.accepted.count { $0.listener == index } == 200)
      }
      for client in clients { client.close() }
    }
  }

  @Test(
    "of a long backlog a wait reports a few, and the next ones the others, without blocking",
    arguments: ContractBackend.tested)
  func budget(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      Simulation.current?.faults.failedAccept = 0
      let listener = try Listener.open(.loopback(port: 0))
      let clients = try (0..<200).map { _ in try TestSocket.connect(listener.address) }
      reactor.settle()
      reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
      reactor.backend.accept(on: listener.descriptor, index: 0)
      var waitCount = 0
      while reactor.recorder.accepted.count < clients.count, waitCount < 2000 {
        let before = reactor.recorder.accepted.count
        let start = MonotonicClock.nowNanoseconds()
        reactor.wait(milliseconds: 10_000)
        #expect(MonotonicClock.nowNanoseconds() - start < 9_000_000_000)
        #expect(reactor.recorder.accepted.count - before <= DeliveryLimits.acceptCountMax)
        waitCount += 1
      }
      #expect(reactor.recorder.accepted.count == clients.count)
      for client in clients { client.close() }
      reactor.backend.stopAccepting(index: 0)
      listener.close()
    }
  }

  @Test(
    "after stopAccepting nobody is accepted, until accepting begins again",
    arguments: ContractBackend.tested)
  func stop(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try reactor.listen()
      reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
      let first = try TestSocket.connect(listener.address)
      reactor.run(until: { reactor.recorder.accepted.count == 1 })
      reactor.backend.stopAccepting(index: 0)
      reactor.settle()
      let second = try TestSocket.connect(listener.address)
      reactor.settle()
      #expect(reactor.recorder.accepted.count == 1)
      #expect(reactor.recorder.acceptFailures == [])
      reactor.backend.accept(on: listener.descriptor, index: 0)
      reactor.run(until: { reactor.recorder.accepted.count == 2 })
      first.close()
      second.close()
    }
  }

  @Test("accepting may be stopped from within accepted", arguments: ContractBackend.tested)
  func stopWithin(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try reactor.listen()
      reactor.recorder.onAccepted = { descriptor in
        _ = try? reactor.adopt(descriptor)
        reactor.backend.stopAccepting(index: 0)
      }
      let clients = try (0..<20).map { _ in try TestSocket.connect(listener.address) }
      reactor.run(until: { !reactor.recorder.accepted.isEmpty })
      reactor.settle()
      // Those already accepted may still be reported; the backlog may not go on being emptied.
      let count = reactor.recorder.accepted.count
      #expect(count <= clients.count)
      let late = try TestSocket.connect(listener.address)
      reactor.settle()
      #expect(reactor.recorder.accepted.count == count)
      for client in clients + [late] { client.close() }
    }
  }

  @Test("a socket that does not listen is reported, from a wait", arguments: ContractBackend.tested)
  func notListening(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let closed = try Socket.open(family: AF_INET)
      closed.close()
      reactor.backend.accept(on: 1_000_000, index: 3)
      #expect(reactor.recorder.acceptFailures == [])
      reactor.run(until: { !reactor.recorder.acceptFailures.isEmpty })
      reactor.settle()
      #expect(reactor.recorder.acceptFailures == [EBADF])
    }
  }

  @Test(
    "without a free descriptor accepting fails, does not spin, and the client waits",
    arguments: ContractBackend.tested)
  func outOfDescriptors(kind: ContractBackend) async {
    // In a process of its own, since all its descriptors are used up.
    await #expect(processExitsWith: .success) { [name = kind.rawValue as String] in
      let kind = try #require(ContractBackend(rawValue: name))
      limitDescriptors()
      try TestReactor.run(kind) { reactor in
        Simulation.current?.faults.failedAccept = 0
        let listener = try reactor.listen()
        reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
        reactor.settle()
        let client = try TestSocket.connect(listener.address)
        let giveBack = useUpDescriptors()
        reactor.run(until: { !reactor.recorder.acceptFailures.isEmpty })
        #expect(reactor.recorder.acceptFailures == [EMFILE])
        let systemCallCount = reactor.backend.systemCallCount
        for _ in 0..<10 { reactor.wait(milliseconds: 2) }
        #expect(reactor.backend.systemCallCount - systemCallCount <= 25)
        #expect(reactor.recorder.acceptFailures == [EMFILE])

        giveBack()
        reactor.backend.accept(on: listener.descriptor, index: 0)
        client.write("patient")
        reactor.run(until: {
          reactor.recorder.traces.values.contains { $0.bytes == Array("patient".utf8) }
        })
        client.close()
      }
    }
  }
}

/// Lowers the limit of descriptors. io_uring looks at it when accepting is started, not for each client.
private func limitDescriptors() {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = 128
  setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}

/// Uses up all descriptors that the process may still open, until the returned closure is called.
private func useUpDescriptors() -> () -> Void {
  if let simulation = Simulation.current {
    let limit = simulation.descriptorCountMax
    simulation.descriptorCountMax = simulation.openDescriptorCount
    return { simulation.descriptorCountMax = limit }
  }
  var fillers: [Socket] = []
  while true {
    let descriptor = dup(0)
    if descriptor < 0 { break }
    fillers.append(Socket(descriptor))
  }
  return { for filler in fillers { filler.close() } }
}
