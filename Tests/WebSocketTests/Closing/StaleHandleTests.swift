import Testing
import WebSocket

@Suite("A handle of a connection that has gone")
struct StaleHandleTests {
  @Test("says so, and never reaches the next connection in its slot", arguments: backends)
  func reuse(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.connectionCountMax = 1
      }
    ) { running in
      var stale: [Connection] = []
      for round in 0..<20 {
        #expect(eventually { running.connectionCount == 0 })
        let (peer, connection) = try running.openWithHandle()
        #expect(!stale.contains(connection))
        for old in stale {
          #expect(!old.isOpen)
          #expect(old.send("not yours") == .closed)
          #expect(old.ping() == .closed)
          #expect(old.sendFrame(FrameHeader(opcode: .text, payloadLength: 0), RawSpan()) == .closed)
          #expect(!old.withState(as: Tracked.self) { _ in Issue.record("another's state") })
          #expect(old.queuedByteCount == nil && old.remoteAddress == nil)
          old.close(.internalError)
        }
        #expect(connection.isOpen && connection.queuedByteCount == 0)
        try peer.expectEcho("round \(round)")
        try peer.closeOrderly()
        stale.append(connection)
      }
    }
  }

  @Test("is as good as gone on the reactor's thread too", arguments: backends)
  func handler(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.connectionCountMax = 2
      },
      handle: { on, journal in
        on.received = { connection, _, _ in
          let others = journal.connections.filter { $0 != connection }
          let results = others.map { $0.send("not yours") }
          for other in others { other.close() }
          connection.send("\(others.count) \(results.allSatisfy { $0 == .closed })")
        }
      }
    ) { running in
      for round in 0..<10 {
        #expect(eventually { running.connectionCount == 0 })
        let peer = try running.open()
        try peer.send(.text("try"))
        try peer.expect(.text("\(round) true"))
        try peer.closeOrderly()
      }
    }
  }

  @Test("refused for want of room is not opened", arguments: backends)
  func limit(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.reactor.reactorCount = 1
        $0.reactor.connectionCountMax = 2
      }
    ) { running in
      let peers = try [running.open(), running.open()]
      let refused = try running.connect()
      #expect(throws: (any Error).self) { try refused.upgrade() }
      for peer in peers { try peer.expectEcho() }
      #expect(running.journal.connections.count == 2)
    }
  }
}
