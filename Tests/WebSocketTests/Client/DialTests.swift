import Glibc
import Testing
import WebSocket

@Suite("A dial", .serialized)
struct DialTests {
  @Test("can be cancelled whatever it is doing, and says so once", arguments: backends)
  func cancel(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      // Before it has begun: the reactor does not come to it.
      let release = running.hold()
      var dial = try running.dial(server.url)
      dial.cancel()
      release()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      // While it resolves the name, or just after.
      dial = try running.dial("ws://no-such-name.invalid/")
      dial.cancel()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      // While it connects.
      let full = try FullServer()
      dial = try running.dial(full.url)
      #expect(eventually { running.connectionCount == 1 })
      dial.cancel()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      // While it waits for the response.
      dial = try running.dial(server.url)
      let peer = try server.accept()
      _ = try peer.readRequest()
      dial.cancel()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      #expect(try peer.readsEnd())
      // While it waits for the next attempt.
      dial = try running.dial("ws://127.0.0.1:1/") {
        $0.reconnect = ReconnectPolicy()
        $0.reconnect?.delayMilliseconds = 60_000
        $0.reconnect?.delayMillisecondsMax = 60_000
      }
      #expect(eventually { running.failures.count == 5 })
      #expect(running.failures.last?.retryMilliseconds != nil)
      dial.cancel()
      #expect(throws: ConnectFailure.cancelled) { try dial.waitUntilOpen() }
      #expect(running.lastFailures == [ConnectFailure](repeating: .cancelled, count: 5))
      // Again, and afterwards.
      dial.cancel()
      running.hold()()
      #expect(running.failures.count == 6)
      #expect(eventually { running.connectionCount == 0 })
      #expect(running.journal.entries.isEmpty)
    }
  }

  @Test("that is open is closed with 1000 when it is cancelled", arguments: backends)
  func cancelOpen(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for policy in [nil, ReconnectPolicy()] {
        let dial = try running.dial(server.url) { $0.reconnect = policy }
        let peer = try server.open()
        let connection = try dial.waitUntilOpen()
        #expect(dial.connection == connection)
        dial.cancel()
        dial.cancel()
        try peer.expectClientClose(1000)
        #expect(eventually { running.connectionCount == 0 })
        dial.cancel()
        #expect(try dial.waitUntilOpen() == connection)
      }
      #expect(!server.isAsked(withinMilliseconds: 900))
      #expect(running.failures.isEmpty && running.journal.closures.count == 2)
    }
  }

  @Test("that is cancelled while the response is there already is closed", arguments: backends)
  func cancelAnswered(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      for policy in [nil, ReconnectPolicy()] {
        let dial = try running.dial(server.url) { $0.reconnect = policy }
        let peer = try server.accept()
        let request = try peer.readRequest()
        let release = running.hold()
        try peer.send(request.response())
        usleep(20_000)
        dial.cancel()
        release()
        // Whichever comes first: the response, then it is closed; or the cancelling.
        if (try? dial.waitUntilOpen()) != nil {
          try peer.expectClientClose(1000)
        } else {
          #expect(running.lastFailures.last == .cancelled)
          #expect(try peer.readsEnd())
        }
        #expect(eventually { running.connectionCount == 0 })
      }
    }
  }

  @Test("ends when the client stops, whatever it is doing, and says so once", arguments: backends)
  func stop(on kind: BackendKind) throws {
    let server = try ScriptedServer()
    let full = try FullServer()
    var always = ReconnectPolicy()
    always.retries = { _ in true }
    for policy in [nil, ReconnectPolicy(), always] {
      try dialing(on: kind) { running in
        let connecting = try running.dial(full.url) { $0.reconnect = policy }
        let answering = try running.dial(server.url) { $0.reconnect = policy }
        let peer = try server.accept()
        _ = try peer.readRequest()
        #expect(eventually { running.connectionCount == 2 })
        let release = running.hold()
        let resolving = (0..<5).map { try? running.dial("ws://no-such-name-\($0).invalid/") }
        running.client.stop()
        let late = try running.dial(server.url) { $0.reconnect = policy }
        release()
        running.client.wait()
        let later = try running.dial(server.url) { $0.reconnect = policy }
        // All of them have ended by now: nobody waits for a name that may never come.
        #expect(running.reasons == [ConnectFailure](repeating: .stopped, count: 9))
        #expect(running.failures.allSatisfy { $0.retryMilliseconds == nil })
        for dial in [connecting, answering, late, later] + resolving.compactMap({ $0 }) {
          #expect(throws: ConnectFailure.stopped) { try dial.waitUntilOpen() }
        }
        peer.close()
      }
    }
  }

  @Test("that waits for its next attempt ends when the client stops", arguments: backends)
  func stopWaiting(on kind: BackendKind) throws {
    try dialing(on: kind) { running in
      let dial = try running.dial("ws://127.0.0.1:1/") {
        $0.reconnect = ReconnectPolicy()
        $0.reconnect?.delayMilliseconds = 60_000
      }
      #expect(eventually { running.failures.count == 1 })
      running.client.stop()
      running.client.wait()
      #expect(throws: ConnectFailure.stopped) { try dial.waitUntilOpen() }
      #expect(running.lastFailures == [.stopped] && running.failures.count == 2)
    }
  }

  @Test("is not kept when it has ended, however that was", arguments: backends)
  func leaks(on kind: BackendKind) throws {
    let kept = WeakDials()
    try dialing(on: kind) { running in
      let server = try ScriptedServer()
      func keep(
        _ url: String, _ policy: ReconnectPolicy? = nil, cancels: Bool = false
      ) throws -> Dial {
        let dial = try running.dial(url) { $0.reconnect = policy }
        kept.add(dial)
        if cancels { dial.cancel() }
        return dial
      }
      #expect(throws: ConnectFailure.self) { try keep("ws://127.0.0.1:1/").waitUntilOpen() }
      #expect(throws: ConnectFailure.self) { try keep("ws://no-such.invalid").waitUntilOpen() }
      #expect(throws: ConnectFailure.self) {
        try keep("ws://127.0.0.1:1/", cancels: true).waitUntilOpen()
      }
      for policy in [nil, ReconnectPolicy()] {
        let dial = try keep(server.url, policy)
        let peer = try server.open()
        _ = try dial.waitUntilOpen()
        try peer.sendUnmasked(.close(1000))
        try peer.expectClientClose(1000)
      }
      #expect(eventually { running.connectionCount == 0 })
      // While the client runs: it may do so for ever.
      #expect(eventually { kept.count == 0 }, "\(kept.count) dials left")
      _ = try keep("ws://127.0.0.1:1/", ReconnectPolicy())
      _ = try keep("ws://no-such.invalid", ReconnectPolicy())
    }
    #expect(eventually { kept.count == 0 })
  }

  @Test("tells all who wait, and ends when the task that waits is cancelled", arguments: backends)
  func waiters(on kind: BackendKind) async throws {
    let server = try ScriptedServer()
    let client = try makeClient(on: kind)
    let dial = try client.connect(to: server.url)
    async let first = dial.open()
    async let second = dial.open()
    let blocking = Threads.start { _ = try? dial.waitUntilOpen() }
    let peer = try server.open()
    let connections = [try await first, try await second, try await dial.open()]
    #expect(Set(connections).count == 1)
    pthread_join(blocking, nil)
    peer.close()

    let other = try client.connect(to: server.url)
    let task = Task { try await other.open() }
    let bystander = Task { try await other.open() }
    let silent = try server.accept()
    _ = try silent.readRequest()
    task.cancel()
    await #expect(throws: ConnectFailure.cancelled) { try await task.value }
    await #expect(throws: ConnectFailure.cancelled) { try await bystander.value }
    #expect(try silent.readsEnd())
    client.stop()
    client.wait()
    await #expect(throws: ConnectFailure.stopped) {
      try await client.connect(to: server.url).open()
    }
  }
}

/// Dials, as long as somebody else keeps them.
final class WeakDials {
  private struct Entry {
    weak var dial: Dial?
  }

  private var entries: [Entry] = []

  func add(_ dial: Dial) { entries.append(Entry(dial: dial)) }

  var count: Int { entries.count { $0.dial != nil } }
}
