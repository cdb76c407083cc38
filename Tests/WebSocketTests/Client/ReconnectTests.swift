import Glibc
import Testing
import WebSocket

@Suite("Reconnecting", .serialized)
struct ReconnectTests {
  private func policy(_ change: (inout ReconnectPolicy) -> Void = { _ in }) -> ReconnectPolicy {
    var policy = ReconnectPolicy()
    policy.delayMilliseconds = 20
    policy.delayMillisecondsMax = 100
    change(&policy)
    return policy
  }

  @Test("goes on until the server is back, with state of its own each time", arguments: backends)
  func serverComesBack(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      var server = try ScriptedServer()
      let port = server.port
      let dial = try running.dial(server.url) { $0.reconnect = policy() }
      var connections: Set<Connection> = []
      for round in 0..<4 {
        let peer = try server.open()
        #expect(eventually { running.journal.connections.count == round + 1 })
        let connection = try #require(running.journal.connections.last)
        #expect(eventually { dial.connection == connection })
        connections.insert(connection)
        connection.send("\(round)")
        #expect(try peer.readClientFrame() == .text("\(round)"))
        #expect(running.journal.trackedCount == 1)
        let failureCount = running.failures.count
        server.close()
        // By FIN, by RST, by a close frame.
        switch round % 3 {
        case 0: peer.close()
        case 1: peer.reset()
        default:
          try peer.sendUnmasked(.close(1001))
          try peer.expectClientClose(1001)
        }
        #expect(eventually { running.failures.count >= failureCount + 3 })
        #expect(running.journal.closures.count == round + 1 && running.journal.trackedCount == 0)
        #expect(try dial.waitUntilOpen() == connection)
        server = try ScriptedServer(port: port)
      }
      #expect(connections.count == 4)
      #expect(running.failures.allSatisfy { $0.retryMilliseconds != nil })
      dial.cancel()
    }
  }

  @Test("goes on when it would have connected to itself", arguments: backends)
  func itself(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      server.close()
      let dial = try running.dial(server.url) {
        $0.socket.localAddress = .loopback(port: server.port)
        $0.reconnect = policy()
      }
      #expect(eventually { running.failures.count >= 3 })
      for failure in running.failures.prefix(3) {
        guard case .system(let error) = failure.reason else {
          Issue.record("\(failure)")
          continue
        }
        #expect(error.code == ECONNREFUSED && failure.retryMilliseconds != nil)
      }
      dial.cancel()
    }
  }

  @Test("waits longer each time, up to the limit, between half of it and all", arguments: backends)
  func delays(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      var all: [[Int]] = []
      for round in 0..<8 {
        let dial = try running.dial("ws://127.0.0.1:1/") {
          $0.reconnect = policy {
            $0.delayMilliseconds = 11
            $0.delayMillisecondsMax = 60
            $0.failureCountMax = 6
          }
        }
        #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
        let failures = running.failures.suffix(7)
        #expect(running.failures.count == 7 * (round + 1))
        let waits = failures.compactMap(\.retryMilliseconds)
        #expect(waits.count == 6 && failures.last?.retryMilliseconds == nil)
        for (wait, longest) in zip(waits, [11, 22, 44, 60, 60, 60]) {
          #expect(wait >= (longest + 1) / 2 && wait <= longest)
        }
        all.append(waits)
      }
      #expect(Set(all).count > 4, "not at random")
    }
  }

  @Test("with delays of any number does not trap", arguments: [0, -5, 1, Int.max - 1, Int.max])
  func anyDelay(milliseconds: Int) throws {
    try dialing(on: .epoll) { running in
      for (position, limit) in [0, 1, Int.max].enumerated() {
        let before = running.failures.count
        let dial = try running.dial("ws://127.0.0.1:1/") {
          $0.reconnect = policy {
            $0.delayMilliseconds = milliseconds
            $0.delayMillisecondsMax = limit
            $0.stableAfterMilliseconds = milliseconds
          }
        }
        #expect(eventually { running.failures.count > before })
        dial.cancel()
        #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
        #expect(running.lastFailures.count == position + 1)
      }
    }
  }

  @Test("ends when either end has closed in order", arguments: backends)
  func orderlyEnd(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (_, first) = try running.open(server) { $0.reconnect = policy() }
      try first.sendUnmasked(.close(1000))
      try first.expectClientClose(1000)
      let (connection, second) = try running.open(server) { $0.reconnect = policy() }
      connection.close(.goingAway)
      try second.expectClientClose(1001)
      #expect(!server.isAsked(withinMilliseconds: 300))
      #expect(running.failures.isEmpty)

      let (_, third) = try running.open(server) {
        $0.reconnect = policy { $0.reconnects = { _ in true } }
      }
      try third.sendUnmasked(.close(1000))
      try third.expectClientClose(1000)
      let fourth = try server.open()
      fourth.close()
      _ = try server.open()
    }
  }

  @Test(
    "gives up after an answer that will not change, unless the policy says otherwise",
    arguments: backends)
  func refusals(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for (status, isRetried) in [
        (401, false), (404, false), (429, true), (503, true), (301, true),
      ] {
        let count = running.failures.count
        let dial = try running.dial(server.url) { $0.reconnect = policy() }
        let peer = try server.accept()
        _ = try peer.readRequest()
        try peer.send("HTTP/1.1 \(status) X\r\n\r\n")
        peer.close()
        #expect(eventually { running.failures.count == count + 1 })
        #expect((running.failures.last?.retryMilliseconds != nil) == isRetried, "\(status)")
        guard isRetried else { continue }
        dial.cancel()
        #expect(eventually { running.failures.count == count + 2 })
        #expect(running.lastFailures.last == .cancelled)
        while server.isAsked(withinMilliseconds: 50) { try server.accept().close() }
      }
      let dial = try running.dial(server.url) {
        $0.reconnect = policy { $0.retries = { _ in false } }
        $0.connectTimeoutMilliseconds = 50
      }
      #expect(throws: ConnectFailure.timeout) { try dial.waitUntilOpen() }
    }
  }

  @Test(
    "counts a connection that ends soon as a failure, and a stable one as a success",
    arguments: backends)
  func stability(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      _ = try running.dial(server.url) { $0.reconnect = policy { $0.failureCountMax = 2 } }
      for _ in 0..<3 { try server.open().close() }
      #expect(!server.isAsked(withinMilliseconds: 300))
      let stable = try running.dial(server.url) {
        $0.reconnect = policy {
          $0.failureCountMax = 1
          $0.stableAfterMilliseconds = 0
        }
      }
      for _ in 0..<5 { try server.open().close() }
      let last = try server.open()
      #expect(eventually { running.journal.connections.count == 9 })
      stable.cancel()
      try last.expectClientClose(1000)
    }
  }

  @Test(
    "does not take the last words of the old connection for the new one's", arguments: backends)
  func oldConnection(on kind: BackendKind) throws {
    try dialing(on: kind, configure: { $0.closeTimeoutMilliseconds = 300 }) { running in
      let server = try ScriptedServer()
      let (_, old) = try running.open(server) { $0.reconnect = policy() }
      // Closes, and does not end TCP: the client will, after a while, when it has a new connection.
      try old.sendUnmasked(.close(1001))
      let new = try server.accept()
      let request = try new.readRequest()
      #expect(try old.readClientFrame() == .close(1001))
      #expect(try old.readsEnd())
      usleep(50_000)
      try new.send(request.response())
      #expect(eventually { running.journal.connections.count == 2 })
      #expect(running.failures.isEmpty)
      try #require(running.journal.connections.last).send("alive")
      #expect(try new.readClientFrame() == .text("alive"))
      #expect(!server.isAsked(withinMilliseconds: 200))
      new.close()
      _ = try server.open()
    }
  }

  @Test(
    "that comes to nothing tells of each attempt, also when there was a connection",
    arguments: backends)
  func endAfterOpen(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      let (connection, first) = try running.open(server) {
        $0.reconnect = policy {
          $0.failureCountMax = 1
          $0.stableAfterMilliseconds = 0
        }
      }
      first.close()
      // One attempt more, whose answer is that the server ends the connection.
      let second = try server.accept()
      _ = try second.readRequest()
      second.close()
      #expect(eventually { running.failures.count == 1 })
      #expect(!server.isAsked(withinMilliseconds: 200))
      #expect(running.lastFailures == [.closed] && running.failures.count == 1)
      #expect(connection.send("gone") == .closed)
    }
  }
}
