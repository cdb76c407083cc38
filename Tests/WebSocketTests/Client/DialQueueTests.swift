import Testing
import WebSocket

@Suite("Dials that wait for their turn", .serialized)
struct DialQueueTests {
  @Test("are not held up by those to others that do not answer", arguments: backends)
  func share(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.dialCountMax = 8 }) { running in
      let full = try FullServer()
      for _ in 0..<40 { _ = try running.dial(full.url) }
      // Three quarters of the turns are what one target may have.
      #expect(eventually { running.connectionCount == 6 })
      let server = try ScriptedServer()
      for _ in 0..<20 {
        let (connection, peer) = try running.open(server)
        connection.close()
        try peer.expectClientClose(1000)
      }
      #expect(running.failures.isEmpty && running.connectionCount <= 7)
    }
  }

  @Test("have it target by target, and of one target in their order", arguments: backends)
  func order(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.dialCountMax = 1 }) { running in
      let first = try ScriptedServer()
      let second = try ScriptedServer()
      let release = running.hold()
      for number in 0..<4 {
        _ = try running.dial(first.url + "\(number)") { $0.connectTimeoutMilliseconds = 200 }
      }
      let other = try running.dial(second.url)
      release()
      let peer = try second.open()
      _ = try other.waitUntilOpen()
      // It did not have to wait for all that were before it.
      #expect(running.failures.count < 4)
      for number in 0..<4 {
        #expect(try first.accept().readRequest().line == "GET /\(number) HTTP/1.1")
      }
      #expect(eventually { running.failures.count == 4 })
      peer.close()
    }
  }

  @Test("may be cancelled, and then take no turn from others", arguments: backends)
  func cancelled(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.dialCountMax = 1 }) { running in
      let server = try ScriptedServer()
      let first = try running.dial(server.url)
      let peer = try server.accept()
      let request = try peer.readRequest()
      let dials = try (0..<10).map { try running.dial(server.url + "\($0)") }
      // All of them wait by then.
      running.hold()()
      for dial in dials.dropLast() { dial.cancel() }
      #expect(eventually { running.failures.count == 9 })
      #expect(!server.isAsked(withinMilliseconds: 50))
      try peer.send(request.response())
      _ = try first.waitUntilOpen()
      let last = try server.accept()
      #expect(try last.answerUpgrade().line == "GET /9 HTTP/1.1")
      _ = try dials[9].waitUntilOpen()
      #expect(running.reasons == [ConnectFailure](repeating: .cancelled, count: 9))
      peer.close()
      last.close()
    }
  }
}
