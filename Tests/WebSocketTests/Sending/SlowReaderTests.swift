import Glibc
import Testing
import WebSocket

/// A peer that takes what it is sent, if slowly, is not given up; one that takes nothing is.
@Suite("A slow reader")
struct SlowReaderTests {
  /// Times that are much shorter than what the peer needs for all.
  private func configure(_ configuration: inout ServerConfiguration) {
    configuration.closeTimeoutMilliseconds = 300
    configuration.reactor.lingerMilliseconds = 300
    configuration.reactor.sendTimeoutMilliseconds = 300
    configuration.listener.sendBufferByteCount = 16 << 10
  }

  /// Reads all that comes, in pieces with a pause behind each.
  private func readSlowly(_ peer: Peer, pieceByteCount: Int, pauseMilliseconds: UInt32) throws
    -> [UInt8]
  {
    var bytes: [UInt8] = []
    while let piece = try peer.readPiece(pieceByteCount) {
      bytes += piece
      usleep(pauseMilliseconds * 1000)
    }
    return bytes
  }

  @Test(
    "gets all that was sent, and the close frame, however long that takes", arguments: backends,
    [false, true])
  func close(on kind: BackendKind, direct: Bool) throws {
    // No system call says what the peer of a direct descriptor has acknowledged.
    guard !direct || kind == .ioURing else { return }
    let outcomes = Locked<[SendOutcome]>([])
    try serve(
      on: kind,
      configure: {
        configure(&$0)
        $0.reactor.usesDirectDescriptors = direct
      },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.send([UInt8](repeating: 7, count: 600_000)) { outcome in
            outcomes.withLock { $0.append(outcome) }
          }
          connection.close(.goingAway, reason: "done")
        }
      }
    ) { running in
      let peer = try running.open(receiveBufferByteCount: 4096)
      try peer.send(.text("go"))
      var received = 0
      var last = Frame.ping()
      let duration = try seconds {
        while last.opcode != Frame.close().opcode {
          last = try peer.readFrame(pausingAfter: 8192, milliseconds: direct ? 40 : 20)
          received += last.payload.count
        }
      }
      #expect(received - last.payload.count == 600_000)
      #expect(last.closeCode == 1001 && last.closeReason == "done")
      #expect(duration > 1, "\(duration) s: the reader is too fast to prove something")
      try peer.send(.close(1001))
      #expect(try peer.readsEnd())
      let closure = try running.journal.closure()
      #expect(closure.isClean && closure.error == nil)
      #expect(outcomes.withLock { $0 } == [.sent])
    }
  }

  @Test("at a Unix socket gets all that was sent, too", arguments: backends)
  func unix(on kind: BackendKind) throws {
    let name = "martlet-slow-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    var configuration = ServerConfiguration(addresses: [.unixAbstract(name)])
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    configure(&configuration)
    let journal = Journal()
    let server = try Server(configuration, state: Tracked.self) { on in
      on.upgrade = { request, _ in .accept(Tracked(journal, note: request.target)) }
      on.received = { connection, _, _ in
        connection.send([UInt8](repeating: 7, count: 600_000))
        connection.close()
      }
    }
    defer {
      server.stop()
      server.wait()
    }
    let peer = try Peer(unixAbstract: name)
    try peer.upgrade()
    try peer.send(.text("go"))
    var received = 0
    var last = Frame.ping()
    let duration = try seconds {
      while last.opcode != Frame.close().opcode {
        last = try peer.readFrame(pausingAfter: 8192, milliseconds: 20)
        received += last.payload.count
      }
    }
    #expect(received - last.payload.count == 600_000)
    #expect(last.closeCode == 1000)
    #expect(duration > 1, "\(duration) s: the reader is too fast to prove something")
  }

  @Test("gets all of an HTTP response", arguments: backends)
  func response(on kind: BackendKind) throws {
    let body = String(repeating: "0123456789", count: 30_000)
    try serve(
      on: kind, configure: configure,
      handle: { on, _ in
        on.respond = { _, _ in HTTPResponse(status: .ok, text: body) }
      }
    ) { running in
      let peer = try running.connect(receiveBufferByteCount: 4096)
      try peer.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
      var bytes: [UInt8] = []
      let duration = try seconds {
        bytes = try readSlowly(peer, pieceByteCount: 4096, pauseMilliseconds: 20)
      }
      #expect(bytes.suffix(body.utf8.count).elementsEqual(body.utf8))
      #expect(duration > 1, "\(duration) s: the reader is too fast to prove something")
    }
  }

  @Test("of one long message is not silent, though it cannot answer pings", arguments: backends)
  func keepAlive(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        $0.pingIntervalMilliseconds = 100
        $0.idleTimeoutMilliseconds = 400
        $0.listener.sendBufferByteCount = 16 << 10
      },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.send([UInt8](repeating: 7, count: 600_000))
        }
      }
    ) { running in
      let peer = try running.open(receiveBufferByteCount: 4096)
      try peer.send(.text("go"))
      var received = 0
      let duration = try seconds {
        while received < 600_000 {
          received += try peer.readFrame(pausingAfter: 8192, milliseconds: 20).payload.count
        }
      }
      #expect(duration > 1, "\(duration) s: the reader is too fast to prove something")
      #expect(running.journal.errors == [])
    }
  }

  @Test("that stops reading is given up, and told by RST", arguments: backends)
  func stalled(on kind: BackendKind) throws {
    try serve(
      on: kind, configure: configure,
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.send([UInt8](repeating: 7, count: 600_000))
          connection.close()
        }
      }
    ) { running in
      let peer = try running.open(receiveBufferByteCount: 4096)
      let duration = try seconds {
        try peer.send(.text("go"))
        let closure = try running.journal.closure()
        #expect(closure.error == .closeTimeout)
      }
      #expect(duration > 0.25 && duration < 3, "\(duration) s")
      #expect(throws: PeerError.reset) { _ = try peer.readToEnd() }
    }
  }

  @Test("of less than the least rate is given up", arguments: backends)
  func trickle(on kind: BackendKind) throws {
    try serve(
      on: kind,
      configure: {
        configure(&$0)
        $0.reactor.sendRateMin = 10 << 20
      },
      handle: { on, _ in
        on.received = { connection, _, _ in
          connection.send([UInt8](repeating: 7, count: 600_000))
          connection.close()
        }
      }
    ) { running in
      let peer = try running.open(receiveBufferByteCount: 4096)
      try peer.send(.text("go"))
      #expect(throws: PeerError.reset) {
        _ = try readSlowly(peer, pieceByteCount: 4096, pauseMilliseconds: 10)
      }
      #expect(try running.journal.closure().error == .closeTimeout)
    }
  }

  @Test(
    "that has acknowledged all and does not answer is left by FIN, which takes nothing away",
    arguments: backends)
  func unanswered(on kind: BackendKind) throws {
    try serve(on: kind, configure: configure) { running in
      let (peer, connection) = try running.openWithHandle()
      connection.send([UInt8](repeating: 7, count: 30_000))
      connection.close()
      #expect(try running.journal.closure().error == .closeTimeout)
      #expect(eventually { running.connectionCount == 0 })
      #expect(try peer.readFrame().payload.count == 30_000)
      #expect(try peer.readFrame().closeCode == 1000)
      #expect(try peer.readsEnd())
    }
  }
}
