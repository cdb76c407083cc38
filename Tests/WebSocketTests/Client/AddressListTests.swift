import Glibc
import Testing

@testable import Reactor
@testable import WebSocket

@Suite("A dial to a name with several addresses", .serialized)
struct AddressListTests {
  @Test("tries the second one 250 ms after one that does not answer", arguments: backends)
  func deadFirst(on kind: BackendKind) throws {
    let dead = try FullServer()
    let server = try ScriptedServer()
    try dialing(on: kind, configure: { $0.resolve = names([dead.port, server.port]) }) { running in
      var peer: Peer?
      let time = try seconds {
        let dial = try running.dial("ws://several.test/")
        #expect(!server.isAsked(withinMilliseconds: 150))
        peer = try server.open()
        let connection = try dial.waitUntilOpen()
        connection.send("there")
        #expect(try peer?.readClientFrame() == .text("there"))
      }
      #expect(time >= 0.24 && time < 2)
      #expect(running.failures.isEmpty)
      // The one that has lost is gone, and leaves nothing.
      #expect(eventually { running.connectionCount == 1 })
      #expect(running.dialerCount == 0)
      peer?.close()
    }
  }

  @Test("tries the second one at once if the first has refused", arguments: backends)
  func refusedFirst(on kind: BackendKind) throws {
    let server = try ScriptedServer()
    try dialing(
      on: kind,
      configure: {
        $0.resolve = names([1, server.port])
        $0.connectionAttemptDelayMilliseconds = 2_000
      }
    ) { running in
      let time = try seconds {
        let dial = try running.dial("ws://several.test/")
        _ = try server.open()
        _ = try dial.waitUntilOpen()
      }
      #expect(time < 1.5 && running.failures.isEmpty)
    }
  }

  @Test("reaches an IPv4 address behind an IPv6 one that does not answer", arguments: backends)
  func families(on kind: BackendKind) throws {
    guard let dead = try? FullServer(at: .ipv6(1, port: 0)) else { return }
    let server = try ScriptedServer()
    let resolve = resolver([dead.address, .loopback(port: server.port)])
    try dialing(on: kind, configure: { $0.resolve = resolve }) { running in
      let dial = try running.dial("ws://both.test/")
      let peer = try server.open()
      #expect(try dial.waitUntilOpen().remoteAddress == .loopback(port: server.port))
      peer.close()
      // From an address of IPv4 there is no way to the first one, so nothing is waited for.
      let time = try seconds {
        let local = try running.dial("ws://both.test/") {
          $0.socket.localAddress = .ipv4(0x7F00_0002, port: 0)
          $0.connectionAttemptDelayMilliseconds = 2_000
        }
        let peer = try server.open()
        #expect(try local.waitUntilOpen().localAddress?.host == "127.0.0.2")
        peer.close()
      }
      #expect(time < 1.5 && running.failures.isEmpty)
      let nowhere = try running.dial("ws://both.test/") {
        $0.socket.localAddress = .unixUnnamed
      }
      let failure = #expect(throws: ConnectFailure.self) { try nowhere.waitUntilOpen() }
      #expect(failure?.systemError?.code == EADDRNOTAVAIL)
    }
  }

  @Test("has one time for all of them, and one failure", arguments: backends)
  func timeout(on kind: BackendKind) throws {
    let dead = try [FullServer(), FullServer(), FullServer()]
    try dialing(
      on: kind,
      configure: {
        $0.resolve = names(dead.map(\.port))
        $0.connectionAttemptDelayMilliseconds = 50
      }
    ) { running in
      let time = try seconds {
        let dial = try running.dial("ws://several.test/") { $0.connectTimeoutMilliseconds = 600 }
        #expect(eventually { running.connectionCount == 3 })
        #expect(throws: ConnectFailure.timeout) { try dial.waitUntilOpen() }
      }
      #expect(time >= 0.55 && time < 3)
      #expect(running.reasons == [.timeout])
      #expect(eventually { running.connectionCount == 0 })
      #expect(running.dialerCount == 0)
    }
  }

  @Test("tries eight of a thousand, at least 10 ms one after the other", arguments: backends)
  func many(on kind: BackendKind) throws {
    let server = try ScriptedServer()
    let refusing = (0..<1000).map { SocketAddress.ipv4(0x7F00_0100 + UInt32($0), port: 1) }
    let alive = SocketAddress.loopback(port: server.port)
    let resolve = resolver(
      refusing[..<8] + [alive] + refusing[8...],
      ["reached.test": refusing[..<7] + [alive] + refusing[7...]])
    try dialing(on: kind, configure: { $0.resolve = resolve }) { running in
      let time = try seconds {
        let failing = try running.dial("ws://beyond.test/")
        let failure = #expect(throws: ConnectFailure.self) { try failing.waitUntilOpen() }
        let error = try #require(failure?.systemError)
        #expect(error.code == ECONNREFUSED && error.operation == "connect to 127.0.1.7:1")
        #expect(error.advice?.contains("8 addresses") == true)
      }
      #expect(time >= 0.069)
      #expect(!server.isAsked(withinMilliseconds: 100))
      let reached = try running.dial("ws://reached.test/")
      _ = try server.open()
      _ = try reached.waitUntilOpen()
      #expect(running.failures.count == 1)
    }
  }

  @Test("has the answer of the first server that is reached", arguments: backends)
  func answer(on kind: BackendKind) throws {
    let first = try ScriptedServer()
    let second = try ScriptedServer()
    try dialing(on: kind, configure: { $0.resolve = names([first.port, second.port]) }) { running in
      let dial = try running.dial("ws://several.test/")
      let peer = try first.accept()
      _ = try peer.readRequest()
      // Longer than until the next address would be tried.
      #expect(!second.isAsked(withinMilliseconds: 400))
      try peer.send("HTTP/1.1 503 X\r\n\r\n")
      let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
      guard case .refused = failure else {
        Issue.record("\(failure!)")
        return
      }
      #expect(!second.isAsked(withinMilliseconds: 300))
      #expect(running.failures.count == 1)
    }
  }

  @Test("opens one connection if two are made, and closes the other unused", arguments: backends)
  func twoMade(on kind: BackendKind) throws {
    let servers = try [FullServer(), FullServer()]
    try dialing(
      on: kind,
      configure: {
        $0.resolve = names(servers.map(\.port))
        $0.connectionAttemptDelayMilliseconds = 10
      }
    ) { running in
      let dial = try running.dial("ws://several.test/")
      #expect(eventually { running.connectionCount == 2 })
      // Both are made while the reactor does not look: SYN is sent again after a second.
      let release = running.hold()
      for server in servers { server.makeRoom() }
      let peers = try servers.map { try $0.accept() }
      release()
      var openedCount = 0
      for peer in peers {
        if (try? peer.answerUpgrade()) == nil {
          #expect(try peer.readToEnd().isEmpty)
        } else {
          openedCount += 1
        }
      }
      #expect(openedCount == 1)
      _ = try dial.waitUntilOpen()
      #expect(eventually { running.connectionCount == 1 })
      #expect(running.journal.connections.count == 1 && running.dialerCount == 0)
      for peer in peers { peer.close() }
    }
  }

  @Test("can be cancelled, and ends with the client, while several are tried", arguments: backends)
  func ends(on kind: BackendKind) throws {
    let dead = try [FullServer(), FullServer()]
    try dialing(
      on: kind,
      configure: {
        $0.resolve = names(dead.map(\.port))
        $0.connectionAttemptDelayMilliseconds = 10
      }
    ) { running in
      let cancelled = try running.dial("ws://several.test/") { $0.reconnect = ReconnectPolicy() }
      #expect(eventually { running.connectionCount == 2 })
      cancelled.cancel()
      #expect(throws: ConnectFailure.cancelled) { try cancelled.waitUntilOpen() }
      #expect(eventually { running.connectionCount == 0 })
      #expect(running.reasons == [.cancelled] && running.dialerCount == 0)
      let stopped = try running.dial("ws://several.test/") { $0.reconnect = ReconnectPolicy() }
      #expect(eventually { running.connectionCount == 2 })
      running.client.stop()
      running.client.wait()
      #expect(throws: ConnectFailure.stopped) { try stopped.waitUntilOpen() }
      #expect(running.reasons == [.cancelled, .stopped])
    }
  }

  @Test("tries them anew after a failure, and has one turn for all of them", arguments: backends)
  func turns(on kind: BackendKind) throws {
    let dead = try [FullServer(), FullServer()]
    let server = try ScriptedServer()
    let resolve = resolver(
      [.loopback(port: 1), .loopback(port: server.port)], ["dead.test": dead.map(\.address)])
    try dialing(
      on: kind,
      configure: {
        $0.dialCountMax = 1
        $0.resolve = resolve
        $0.connectionAttemptDelayMilliseconds = 10
        $0.connectTimeoutMilliseconds = 250
      }
    ) { running in
      for round in 1...3 {
        let first = try running.dial("ws://dead.test/") {
          guard round == 3 else { return }
          $0.reconnect = ReconnectPolicy()
          $0.reconnect?.delayMilliseconds = 1
          $0.reconnect?.failureCountMax = 1
        }
        let second = try running.dial("ws://several.test/") { $0.connectTimeoutMilliseconds = 5000 }
        #expect(!server.isAsked(withinMilliseconds: 100))
        let peer = try server.open()
        _ = try second.waitUntilOpen()
        #expect(running.failures.count >= round)
        #expect(throws: ConnectFailure.timeout) { try first.waitUntilOpen() }
        peer.close()
      }
      #expect(running.reasons == [ConnectFailure](repeating: .timeout, count: 4))
    }
  }

  @Test("tells of an address that has refused, not of one without a way to it", arguments: backends)
  func telling(on kind: BackendKind) throws {
    // A link-local address without an interface cannot be connected to.
    let resolve = resolver([.loopback(port: 1), .ipv6(0xFE80 << 112 | 1, port: 1)])
    try dialing(on: kind, configure: { $0.resolve = resolve }) { running in
      let dial = try running.dial("ws://both.test/")
      let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
      #expect(failure?.systemError?.code == ECONNREFUSED)
    }
  }

  @Test("that the resolver does not know says so, and is tried again", arguments: backends)
  func unresolved(on kind: BackendKind) throws {
    for code in [EAI_NONAME, EAI_AGAIN] {
      let resolve: ClientConfiguration.Resolve = { host, _, answer in
        answer(.failure(SystemError("resolve \(host)", code: code)))
        return nil
      }
      try dialing(on: kind, configure: { $0.resolve = resolve }) { running in
        let dial = try running.dial("ws://unknown.test/")
        let failure = #expect(throws: ConnectFailure.self) { try dial.waitUntilOpen() }
        guard case .unresolved(let error) = failure else {
          Issue.record("\(failure!)")
          return
        }
        let text = code == EAI_NONAME ? "Name or service not known" : "Temporary failure"
        #expect(
          error.description.hasPrefix(
            "resolve unknown.test: the name could not be resolved: \(text)"))
        #expect(!error.description.contains("errno"))
        let retried = try running.dial("ws://unknown.test/") { $0.reconnect = ReconnectPolicy() }
        #expect(eventually { running.failures.count == 2 })
        #expect(running.failures.last?.retryMilliseconds != nil)
        retried.cancel()
      }
    }
  }
}

extension ConnectFailure {
  fileprivate var systemError: SystemError? {
    if case .system(let error) = self { error } else { nil }
  }
}

extension RunningClient {
  /// What the reactor still has to do with dials.
  var dialerCount: Int {
    let count = Locked<Int?>(nil)
    client.group.execute { _ in
      let engine = Reactor.currentHandler as? Engine
      count.withLock { $0 = engine?.scratch.value.dialers.count ?? -1 }
    }
    _ = eventually { count.withLock { $0 } != nil }
    return count.withLock { $0 } ?? -1
  }
}

/// A resolver for which every name stands for the same addresses, but for those that have their own.
private func resolver(
  _ addresses: [SocketAddress], _ others: [String: [SocketAddress]] = [:]
) -> ClientConfiguration.Resolve {
  { host, _, answer in
    answer(.success(others[host] ?? addresses))
    return nil
  }
}

/// As `resolver`, for ports of the loopback.
private func names(_ ports: [UInt16]) -> ClientConfiguration.Resolve {
  resolver(ports.map { .loopback(port: $0) })
}
