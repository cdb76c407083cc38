import Glibc
import Synchronization
import Testing
import WebSocket

extension DefectTests {
  @Test(
    "there are timeouts for the handshake and for silence, pings, and a limit of connections",
    arguments: backends)
  func timeouts(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.handshakeTimeoutMilliseconds = 200
        $0.pingIntervalMilliseconds = 100
        $0.idleTimeoutMilliseconds = 300
        $0.reactor.reactorCount = 1
        $0.reactor.connectionCountMax = 2
      }
    ) { running in
      let silent = try running.connect()
      let open = try running.open()
      let refused = try running.connect()
      #expect(throws: (any Error).self) { try refused.upgrade() }
      #expect(try silent.readReply().status == 408)
      try open.expect(.ping())
      while try open.readFrame() == .ping() {}
      #expect(try running.journal.closure().error == .idleTimeout)
    }
  }

  @Test(
    "the opening handshake is checked", arguments: backends,
    [
      ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: ", 426),
      ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 1", 426),
      ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 3", 426),
      ("Sec-WebSocket-Version: 13\r\n", "", 426),
      ("Sec-WebSocket-Key: \(Peer.key)", "Sec-WebSocket-Key: ", 400),
      ("Sec-WebSocket-Key: \(Peer.key)\r\n", "", 400),
      ("Host: localhost\r\n", "", 400),
      ("Connection: Upgrade", "Connection: upgrade", 101),
      ("Connection: Upgrade", "Connection: keep-alive, UPGRADE", 101),
      ("Upgrade: websocket", "upgrade: WebSocket", 101),
    ])
  func handshake(on kind: BackendKind, change: (part: String, other: String, status: Int)) throws {
    try serve(on: kind) { running in
      let request = String(decoding: Peer.upgradeRequest(), as: UTF8.self)
      let changed = request.split(separator: change.part, omittingEmptySubsequences: false)
        .joined(separator: change.other)
      let peer = try running.connect()
      try peer.send(Array(changed.utf8))
      let head = try peer.readHead()
      #expect(head.hasPrefix("HTTP/1.1 \(change.status) "), "\(head)")
      if change.status == 426 { #expect(head.contains("Sec-WebSocket-Version: 13\r\n")) }
      if change.status == 101 { try peer.expectEcho() }
    }
  }

  @Test("answering the key changes nothing of the request", arguments: backends)
  func requestStays(on kind: BackendKind) throws {
    let keys = Locked<[String]>([])
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { request, _ in
          let key = request.header(named: "sec-websocket-key") ?? ""
          keys.withLock { $0.append(key) }
          return .accept(Tracked(journal, note: key))
        }
        on.received = { connection, _, state in connection.send(state.note) }
      }
    ) { running in
      for _ in 0..<3 {
        let peer = try running.connect()
        try peer.send(Peer.upgradeRequest() + Frame.text("which?").bytes())
        try peer.readUpgrade()
        try peer.expect(.text(Peer.key))
      }
      #expect(keys.withLock { $0 } == [Peer.key, Peer.key, Peer.key])
    }
  }

  @Test("limits and state may be used from any thread without a race", arguments: backends)
  func dataRaces(on kind: BackendKind) throws {
    let total = Atomic<Int>(0)
    try serve(on: kind, recordsTraffic: false) { running in
      let (peer, connection) = try running.openWithHandle()
      let writers = Threads.start {
        Threads.run(3) { _ in
          for _ in 0..<300 {
            connection.withState(as: Tracked.self) { state in
              total.add(state.note.utf8.count, ordering: .relaxed)
            }
            connection.ping()
            _ = connection.queuedByteCount
          }
        }
      }
      for number in 0..<300 {
        try peer.send(.text("\(number)"))
        var frame = try peer.readFrame()
        while frame == .ping() { frame = try peer.readFrame() }
        #expect(frame == .text("\(number)"))
      }
      pthread_join(writers, nil)
      #expect(eventually { total.load(ordering: .relaxed) == 900 })
    }
  }

  @Test("a server can be stopped in good order", arguments: backends)
  func shutdown(on kind: BackendKind) throws {
    try serve(on: kind) { running in
      let peers = try (0..<50).map { _ in try running.open() }
      running.server.stop()
      for peer in peers {
        #expect(try peer.readFrame().closeCode == 1001)
        try peer.send(.close(1001))
        #expect(try peer.readsEnd())
        peer.close()
      }
      running.server.wait()
      #expect(running.journal.closures.count == 50)
      #expect(running.journal.closures.allSatisfy { $0.isClean })
    }
  }
}
