import Glibc
import Testing

@testable import WebSocket

@Suite("The end of a client's connection")
struct ClientClosingTests {
  @Test("that the server begins is answered, and the server ends TCP", arguments: backends)
  func serverCloses(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (_, peer) = try running.open(server)
      try peer.sendUnmasked(.close(1000, "bye"))
      #expect(try peer.readClientFrame() == .close(1000))
      let closure = try running.journal.closure()
      #expect(closure == Closure.clean(.normalClosure, "bye"))
      // The client does not end TCP first (RFC 6455 §7.1.1).
      peer.setTimeout(seconds: 1)
      #expect(throws: PeerError.timedOut) { try peer.readsEnd() }
      peer.finish()
      #expect(try peer.readsEnd())
      #expect(eventually { running.connectionCount == 0 })
    }
  }

  @Test(
    "that the client begins waits for the server's answer and end, not for ever",
    arguments: backends)
  func clientCloses(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.closeTimeoutMilliseconds = 300 }) { running in
      let server = try ScriptedServer()
      let (orderly, first) = try running.open(server)
      orderly.close(.goingAway, reason: "enough")
      #expect(try first.readClientFrame() == .close(1001, "enough"))
      // Messages that were on their way still come.
      try first.sendUnmasked(.text("last words"), .close(1001))
      #expect(eventually { running.journal.closures.count == 1 })
      #expect(running.journal.closures[0] == Closure.clean(.goingAway, ""))
      #expect(running.journal.events.contains(.text("last words")))
      first.finish()
      #expect(try first.readsEnd())

      // It answers, and then does not end TCP.
      let (lingering, second) = try running.open(server)
      lingering.close()
      _ = try second.readClientFrame()
      try second.sendUnmasked(.close(1000))
      #expect(eventually { running.journal.closures.count == 2 })
      #expect(try second.readsEnd())
      #expect(eventually { running.connectionCount == 0 })
      #expect(running.journal.errors == [])

      // It does not answer.
      let (ignored, third) = try running.open(server)
      ignored.close()
      _ = try third.readClientFrame()
      #expect(eventually { running.journal.closures.count == 3 })
      #expect(running.journal.errors == [.closeTimeout])
      #expect(running.journal.closures.last?.code == .abnormalClosure)
      #expect(try third.readsEnd())
    }
  }

  @Test("of TCP without a close frame is 1006", arguments: backends)
  func abnormal(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (_, first) = try running.open(server)
      first.finish()
      let closure = try running.journal.closure()
      #expect(closure.code == .abnormalClosure && !closure.isClean && closure.error == nil)
      #expect(try first.readsEnd())
      let (_, second) = try running.open(server)
      second.reset()
      #expect(eventually { running.journal.closures.count == 2 })
      guard case .system(let error) = running.journal.closures.last?.error else {
        Issue.record("no error")
        return
      }
      #expect(error.code == ECONNRESET)
    }
  }

  @Test("of the client closes its connections with 1001", arguments: backends)
  func stop(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let peers = try (0..<20).map { _ in try running.open(server).1 }
      running.client.stop()
      for peer in peers {
        #expect(try peer.readClientFrame() == .close(1001, "client is stopping"))
        try peer.sendUnmasked(.close(1001))
        peer.close()
      }
      running.client.wait()
      #expect(running.journal.closures.count == 20)
      #expect(running.journal.closures.allSatisfy { $0.isClean })
      let late = try running.dial(server.url)
      #expect(throws: ConnectFailure.stopped) { try late.waitUntilOpen() }
      #expect(running.reasons == [.stopped])
    }
  }

  @Test("is noticed when the server is silent: pings, then 1011", arguments: backends)
  func keepAlive(on kind: BackendKind) throws {
    try dialing(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 100
        $0.idleTimeoutMilliseconds = 400
      }
    ) { running in
      let server = try ScriptedServer()
      let (_, peer) = try running.open(server)
      var frame = try peer.readClientFrame()
      var pingCount = 0
      while frame == .ping() {
        pingCount += 1
        frame = try peer.readClientFrame()
      }
      #expect(pingCount >= 2 && frame.closeCode == 1011)
      #expect(eventually { running.journal.errors == [.idleTimeout] })
      peer.close()
    }
  }
}

extension Closure {
  /// What the handler is told after a closing handshake.
  fileprivate static func clean(_ code: CloseCode, _ reason: String) -> Closure {
    Closure(code: code, reason: reason, isClean: true, error: nil)
  }
}
