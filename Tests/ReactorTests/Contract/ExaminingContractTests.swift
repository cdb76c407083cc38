import Glibc
import Testing

@testable import Reactor
@testable import ReactorSimulation

@Suite("Contract of backends: what the kernel holds")
struct ExaminingContractTests {
  private func examine(_ reactor: TestReactor, _ connection: ConnectionPointer) -> SocketBytes? {
    let before = reactor.recorder.trace(connection).examined.count
    reactor.backend.examine(connection)
    #expect(reactor.recorder.trace(connection).examined.count == before, "from a wait only")
    reactor.run(until: { reactor.recorder.trace(connection).examined.count > before })
    return reactor.recorder.trace(connection).examined.last
  }

  @Test(
    "what the peer has taken grows, and what it has not stays", arguments: ContractBackend.tested,
    Transport.allCases)
  func taken(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let idle = try #require(examine(reactor, connection))
      #expect(idle.unacknowledgedByteCount == 0)
      // More than both kernel buffers hold.
      reactor.send(patternedBytes(32 << 20), on: connection)
      reactor.settle()
      let full = try #require(examine(reactor, connection))
      let again = try #require(examine(reactor, connection))
      #expect(full.unacknowledgedByteCount ?? 0 > 0 || kind == .simulated)
      #expect(again.acknowledgedByteCount == full.acknowledgedByteCount)
      #expect(again.unacknowledgedByteCount == full.unacknowledgedByteCount)
      var isSeen = false
      reactor.run(
        until: {
          guard let now = examine(reactor, connection) else { return false }
          isSeen =
            now.acknowledgedByteCount != full.acknowledgedByteCount
            || now.unacknowledgedByteCount != full.unacknowledgedByteCount
          return isSeen
        }, client: { _ = client.readSome(limit: 4 << 20) })
      #expect(isSeen)
      client.close()
    }
  }

  @Test(
    "what has arrived and is not received is told, what has been received comes before the answer",
    arguments: ContractBackend.tested, Transport.allCases)
  func unread(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      reactor.settle()
      client.write("to be received")
      if Simulation.current != nil { reactor.settle() }
      let first = try #require(examine(reactor, connection))
      // Another backend may need a wait more; then it says that there is something.
      if first.unreadByteCount == 0 {
        #expect(reactor.recorder.trace(connection).bytes == Array("to be received".utf8))
      }
      reactor.run(until: { !reactor.recorder.trace(connection).bytes.isEmpty })
      #expect(examine(reactor, connection)?.unreadByteCount == 0)
      reactor.backend.pauseReceiving(on: connection)
      reactor.settle()
      client.write("to be left")
      reactor.settle()
      #expect(reactor.recorder.trace(connection).bytes == Array("to be received".utf8))
      if kind != .ioURingDirect {
        #expect(examine(reactor, connection)?.unreadByteCount == 10)
      }
      client.close()
    }
  }

  @Test("there is no answer behind the end", arguments: ContractBackend.tested, [false, true])
  func closed(kind: ContractBackend, reset: Bool) throws {
    try TestReactor.run(kind) { reactor in
      for isSettled in [false, true] {
        let (connection, client) = try reactor.connect()
        if isSettled { reactor.settle() }
        let key = ContractRecorder.key(connection)
        reactor.backend.examine(connection)
        reactor.close(connection, reset: reset)
        reactor.run(until: { reactor.openCount == 0 })
        reactor.settle()
        #expect(reactor.recorder.trace(key: key).examined.isEmpty)
        client.close()
      }
    }
  }

  @Test(
    "a reset is told while receiving is paused, a FIN is not", arguments: ContractBackend.tested)
  func pausedAndReset(kind: ContractBackend) throws {
    try TestReactor.run(kind) { reactor in
      for (isSettled, hasBytes) in [(true, false), (false, false), (true, true)] {
        let (connection, client) = try reactor.connect()
        reactor.settle()
        reactor.backend.pauseReceiving(on: connection)
        if isSettled { reactor.settle() }
        if hasBytes { client.write("unread") }
        client.shutdownSending()
        reactor.settle()
        #expect(reactor.recorder.trace(connection).ends.allSatisfy { _ in !isSettled })
        // A reset behind a FIN is a broken pipe.
        client.closeWithReset()
        reactor.run(until: { !reactor.recorder.trace(connection).ends.isEmpty })
        reactor.close(connection)
        reactor.run(until: { reactor.openCount == 0 })
      }
    }
  }

  @Test(
    "pausing and resuming again and again loses nothing", arguments: ContractBackend.tested,
    Transport.allCases)
  func pausing(kind: ContractBackend, transport: Transport) throws {
    try TestReactor.run(kind) { reactor in
      let (connection, client) = try reactor.connect(transport)
      let bytes = patternedBytes(300_000)
      var written = 0
      var round = 0
      reactor.run(
        until: { reactor.recorder.trace(connection).bytes.count >= bytes.count },
        client: {
          written += client.writeSome(bytes[written..<min(bytes.count, written + 7_000)])
          round += 1
          guard reactor.recorder.trace(connection).ends.isEmpty else { return }
          switch round % 3 {
          case 0: reactor.backend.pauseReceiving(on: connection)
          case 1: reactor.backend.receive(on: connection)
          default: break
          }
        })
      #expect(reactor.recorder.trace(connection).bytes == bytes)
      client.close()
    }
  }
}
