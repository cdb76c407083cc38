import Glibc
import Testing

@testable import Reactor

@Suite("Contract of backends: closing")
struct ClosingContractTests {
  /// What is going on at a connection when it is closed.
  enum Situation: CaseIterable {
    case idle, new, neverReceiving, paused, quiesced, sendPending, bytesWaiting, endWaiting
    case resetWaiting, afterEnd, afterShutdown, sendPendingAndPaused, quiescedAndBytesWaiting
  }

  private func bring(
    _ reactor: TestReactor, to situation: Situation, _ transport: Transport
  ) throws -> (connection: ConnectionPointer, client: Socket) {
    let (connection, client) = try reactor.connect(
      transport, receiving: situation != .neverReceiving)
    if situation != .new { reactor.settle() }
    switch situation {
    case .idle, .new, .neverReceiving: break
    case .paused: reactor.backend.pauseReceiving(on: connection)
    case .quiesced: reactor.backend.quiesce(connection)
    case .sendPending: reactor.send(patternedBytes(32 << 20), on: connection)
    case .sendPendingAndPaused:
      reactor.send(patternedBytes(32 << 20), on: connection)
      reactor.backend.pauseReceiving(on: connection)
    case .bytesWaiting: client.write("unread")
    case .quiescedAndBytesWaiting:
      reactor.backend.quiesce(connection)
      reactor.settle()
      client.write("unread")
    case .endWaiting: client.shutdownSending()
    case .resetWaiting: client.resetAtClose()
    case .afterEnd:
      client.shutdownSending()
      reactor.run(until: { reactor.recorder.trace(connection).ends == [0] })
    case .afterShutdown: reactor.backend.shutdownSending(on: connection)
    }
    return (connection, client)
  }

  @Test(
    "closing is reported once, from a later wait, with no report after it, and the peer sees it",
    arguments: ContractBackend.tested, Situation.allCases)
  func close(kind: ContractBackend, situation: Situation) throws {
    for (transport, isReset) in [(Transport.tcp, false), (.tcp, true), (.unix, false)] {
      for isSettled in [true, false] {
        try TestReactor.run(kind) { reactor in
          let (connection, client) = try bring(reactor, to: situation, transport)
          if isSettled { reactor.settle() }
          let key = ContractRecorder.key(connection)
          reactor.close(connection, reset: isReset)
          #expect(reactor.recorder.trace(key: key).closedCount == 0)
          if situation == .resetWaiting { client.close() }
          reactor.run(until: { reactor.openCount == 0 })
          reactor.settle()
          #expect(reactor.recorder.trace(key: key).closedCount == 1)
          guard situation != .resetWaiting else { return }
          // All that was sent comes before the end.
          reactor.run(until: { client.readSome() == nil })
          client.close()
        }
      }
    }
  }

  @Test("closing sends FIN, closing with reset RST", arguments: ContractBackend.tested)
  func finOrReset(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      for (isReset, end) in [(false, Int32(0)), (true, ECONNRESET)] {
        let (connection, client) = try reactor.connect()
        reactor.settle()
        reactor.close(connection, reset: isReset)
        var seen: Int32?
        reactor.run(until: { seen != nil }, client: { seen = client.readEnd() })
        #expect(seen == end)
        client.close()
      }
    }
  }

  @Test("a connection may be closed from within received", arguments: ContractBackend.tested)
  func closeWithinReceived(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      reactor.recorder.onReceived = { reactor.close($0) }
      let pairs = try (0..<50).map { _ in try reactor.connect() }
      for (_, client) in pairs {
        _ = client.writeSome(patternedBytes(200_000)[...])
        client.shutdownSending()
      }
      reactor.run(until: { reactor.openCount == 0 })
      for (_, client) in pairs { client.close() }
    }
  }

  @Test(
    "a connection may close another one whose completion is next", arguments: ContractBackend.tested
  )
  func closeOther(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let (one, oneClient) = try reactor.connect()
      let (other, otherClient) = try reactor.connect()
      reactor.settle()
      let oneKey = ContractRecorder.key(one)
      let otherKey = ContractRecorder.key(other)
      reactor.recorder.onReceived = { connection in
        let victim = connection == one ? other : one
        if victim.pointee.lifecycle == .open { reactor.close(victim) }
      }
      oneClient.write("1")
      otherClient.write("2")
      reactor.run(until: { reactor.openCount == 1 })
      reactor.settle()
      let counts = [oneKey, otherKey].map { reactor.recorder.trace(key: $0).closedCount }
      #expect(counts.reduce(0, +) == 1)
      oneClient.close()
      otherClient.close()
    }
  }

  @Test(
    "a connection may be adopted, sent to and closed from within accepted",
    arguments: ContractBackend.tested)
  func closeWithinAccepted(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      let listener = try reactor.listen()
      reactor.recorder.onAccepted = { descriptor in
        guard let connection = try? reactor.adopt(descriptor) else { return }
        reactor.close(connection)
      }
      let clients = try (0..<100).map { _ in try TestSocket.connect(listener.address) }
      reactor.run(until: { reactor.recorder.accepted.count == 100 && reactor.openCount == 0 })
      reactor.run(until: { clients.allSatisfy { $0.readSome(limit: 1) == nil } })
      for client in clients { client.close() }
    }
  }

  @Test(
    "a slot that is used again gets nothing of the connection before",
    arguments: ContractBackend.tested)
  func reuse(kind: ContractBackend) throws {
    // One slot: each connection follows the one before in it, mostly with its descriptor too.
    try TestReactor.run(kind, capacity: 1) { reactor in
      for round in 0..<300 {
        let (connection, client) = try reactor.connect()
        #expect(connection.pointee.index == 0)
        let text = "round \(round)"
        client.write(text)
        reactor.run(until: { reactor.recorder.trace(connection).bytes.count >= text.utf8.count })
        #expect(reactor.recorder.trace(connection).bytes == Array(text.utf8))
        // Of this, nothing may be seen any more.
        client.write("late")
        if round % 2 == 0 { reactor.wait(milliseconds: 0) }
        reactor.close(connection, reset: round % 3 == 0)
        reactor.run(until: { reactor.openCount == 0 })
        client.close()
      }
    }
  }

  @Test("no descriptor is left behind", arguments: ContractBackend.tested)
  func descriptors(kind: ContractBackend) async {
    // In a process of its own: other tests open and close descriptors too.
    await #expect(processExitsWith: .success) { [name = kind.rawValue as String] in
      let kind = try #require(ContractBackend(rawValue: name))
      // The runtime opens some for itself when it pleases, once. What is left behind is left each time.
      var counts = [openDescriptorCount()]
      for _ in 0..<5 {
        try TestReactor.run(kind) { reactor in
          let listener = try reactor.listen()
          reactor.recorder.onAccepted = { _ = try? reactor.adopt($0) }
          let clients = try (0..<100).map { _ in try TestSocket.connect(listener.address) }
          reactor.run(until: { reactor.recorder.accepted.count == 100 })
          for client in clients { client.close() }
        }
        counts.append(openDescriptorCount())
      }
      #expect(zip(counts, counts.dropFirst()).contains { $1 <= $0 })
    }
  }
}
