import Glibc
import Testing
import WebSocket

/// Keeps a state without a reference in it, and one with.
private struct Counting: WebSocketServerHandler {
  struct State {
    var room: String
    var messageCount = 0
    var tracked: Tracked
    var wide: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
  }

  let journal: Journal

  func upgrade(_ request: borrowing HTTPRequest, on connection: Connection) -> Upgrade<State> {
    .accept(State(room: request.path, tracked: Tracked(journal)))
  }

  func respond(to request: borrowing HTTPRequest, on connection: Connection) -> HTTPResponse {
    .upgradeRequired
  }

  func opened(_ connection: Connection, state: inout State) {
    journal.add(.opened, connection)
    connection.send("welcome to \(state.room)")
  }

  func received(
    _ message: borrowing IncomingMessage, on connection: Connection, state: inout State
  ) {
    state.messageCount += 1
    state.wide.3 += 1
    connection.send("\(state.room) \(state.messageCount) \(state.wide.3)")
  }

  func handle(_ event: ConnectionEvent, on connection: Connection, state: inout State) {}

  func closed(_ connection: Connection, _ closure: Closure, state: inout State) {
    journal.add(.text("\(state.messageCount) in \(state.room)"), connection)
    journal.add(.closed(closure), connection)
  }
}

@Suite("A typed handler")
struct TypedHandlerTests {
  @Test(
    "has a state of its own for each connection, which lives as long as it", arguments: backends)
  func state(on kind: BackendKind) throws {
    let journal = Journal()
    var configuration = try ServerConfiguration(port: 0)
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactor.reactorCount = 2
    let server = try Server(configuration, handler: Counting(journal: journal))
    defer {
      server.stop()
      server.wait()
    }
    let port = try #require(server.addresses.first?.port)
    let rooms = (0..<10).map { "/room\($0)" }
    let peers = try rooms.map { room in
      let peer = try Peer(port: port)
      try peer.upgrade(target: room)
      #expect(try peer.readFrame() == .text("welcome to \(room)"))
      return peer
    }
    #expect(journal.trackedCount == 10)
    for round in 1...3 {
      for (peer, room) in zip(peers, rooms) {
        try peer.send(.binary([1]))
        #expect(try peer.readFrame() == .text("\(room) \(round) \(round + 4)"))
      }
    }
    for (position, peer) in peers.enumerated() {
      if position % 2 == 0 { try peer.closeOrderly() } else { peer.reset() }
    }
    #expect(eventually { journal.trackedCount == 0 && journal.closures.count == 10 })
    for room in rooms { #expect(journal.events.contains(.text("3 in \(room)"))) }
  }

  @Test(
    "without a closure only accepts, answers pings and closing, and nothing else",
    arguments: backends)
  func defaults(on kind: BackendKind) throws {
    var configuration = try ServerConfiguration(port: 0)
    configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactor.reactorCount = 1
    let server = try Server(configuration, handler: Callbacks<Void>())
    defer {
      server.stop()
      server.wait()
    }
    let port = try #require(server.addresses.first?.port)
    let peer = try Peer(port: port)
    try peer.upgrade()
    try peer.send(.text("?"), .ping("!"))
    #expect(try peer.readFrame() == .pong("!"))
    try peer.closeOrderly()
    #expect(try Peer(port: port).request("GET / HTTP/1.1", "Host: localhost").status == 426)
  }

  @Test("is called by one thread for all calls of one connection", arguments: backends)
  func oneThread(on kind: BackendKind) throws {
    let threads = Locked<[Connection: Set<UInt>]>([:])
    let note: @Sendable (Connection) -> Void = { connection in
      let thread = UInt(pthread_self())
      threads.withLock { _ = $0[connection, default: []].insert(thread) }
    }
    try serve(
      on: kind,
      handle: { on, journal in
        on.upgrade = { _, connection in
          note(connection)
          return .accept(Tracked(journal))
        }
        on.opened = { connection, _ in note(connection) }
        on.received = { connection, message, _ in
          note(connection)
          connection.send(message) { _ in note(connection) }
        }
        on.closed = { connection, _, _ in note(connection) }
      }
    ) { running in
      let peers = try (0..<16).map { _ in try running.open() }
      for peer in peers { try peer.expectEcho() }
      for connection in running.journal.connections {
        #expect(connection.withState(as: Tracked.self) { _ in note(connection) })
      }
      for peer in peers { try peer.closeOrderly() }
      #expect(eventually { running.connectionCount == 0 })
      let seen = threads.withLock { $0 }
      #expect(seen.count == 16)
      #expect(seen.values.allSatisfy { $0.count == 1 })
      // Two reactors share the connections: one of them has all of 16 once in 32,768 runs.
      #expect(Set(seen.values.joined()).count == 2)
    }
  }
}
