import Testing
import WebSocket

@Suite("A client")
struct ClientTests {
  @Test("sends and receives messages of all lengths, from any thread", arguments: backends)
  func echo(on kind: BackendKind) throws {
    try serve(on: kind, recordsTraffic: false) { running in
      let received = Locked<[[UInt8]]>([])
      let client = try makeClient(
        on: kind,
        handle: { on in
          on.received = { _, message, _ in received.withLock { $0.append(message.copy) } }
        })
      defer {
        client.stop()
        client.wait()
      }
      let dial = try client.connect(to: "ws://127.0.0.1:\(running.port)/path?query")
      let connection = try dial.waitUntilOpen()
      let lengths = [0, 1, 125, 126, 127, 1000, 1019, 4096, 65_535, 65_536, 200_000]
      for length in lengths {
        let bytes = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        #expect(connection.send(bytes) != .closed)
        connection.send(PreparedMessage(bytes))
      }
      #expect(eventually { received.withLock { $0.count } == 2 * lengths.count })
      #expect(received.withLock { $0.map(\.count) } == lengths.flatMap { [$0, $0] })
      connection.close()
    }
  }

  @Test("tries again although nobody asks to be told of failures", arguments: backends)
  func retriesSilently(on kind: BackendKind) throws {
    let client = try makeClient(on: kind)
    defer {
      client.stop()
      client.wait()
    }
    let failureCount = Locked(0)
    var policy = ReconnectPolicy()
    policy.delayMilliseconds = 1
    policy.retries = { _ in
      failureCount.withLock { $0 += 1 }
      return true
    }
    var options = DialOptions()
    options.reconnect = policy
    // Nobody listens there.
    let dial = try client.connect(to: "ws://127.0.0.1:1/", options: options)
    #expect(eventually { failureCount.withLock { $0 } >= 3 })
    dial.cancel()
  }

  @Test("works with direct descriptors, again and again", .enabled(if: backends.contains(.ioURing)))
  func directDescriptors() throws {
    try serve(on: .ioURing, recordsTraffic: false) { running in
      let bytes = Bytes.pattern(100_000, seed: 1)
      try dialing(
        on: .ioURing, configure: { $0.reactor.usesDirectDescriptors = true },
        handle: { on, _ in on.opened = { connection, _ in connection.send(bytes) } }
      ) { dialer in
        for round in 1...20 {
          let dial = try dialer.dial("ws://127.0.0.1:\(running.port)/")
          let connection = try dial.waitUntilOpen()
          #expect(eventually { dialer.journal.events.count { $0 == .binary(bytes) } == round })
          if round % 2 == 0 { connection.close() } else { dial.cancel() }
          #expect(eventually { dialer.journal.closures.count == round })
        }
        #expect(dialer.journal.closures.allSatisfy { $0.isClean })
      }
    }
  }
}

/// A client with one reactor.
func makeClient(
  on kind: BackendKind, configure: (inout ClientConfiguration) -> Void = { _ in },
  handle: (inout Callbacks<Void>) -> Void = { _ in }
) throws -> Client<Void> {
  var configuration = ClientConfiguration()
  configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
  configuration.reactor.stopMilliseconds = 1000
  configuration.reactor.lingerMilliseconds = 1000
  configure(&configuration)
  return try Client(configuration, handle)
}
