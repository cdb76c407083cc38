import Glibc
import Testing
import WebSocket

/// A server on the loopback, with what its handler has been told.
struct RunningServer {
  let server: Server
  let journal: Journal
  let port: UInt16
  /// Sockets that others in this process have had at this port before, and left open: the kernel gives such a port again.
  private let strangerCount: Int

  init(_ server: Server, _ journal: Journal, port: UInt16) {
    self.server = server
    self.journal = journal
    self.port = port
    strangerCount = ProcessState.connectedCount(localPort: port)
  }

  func connect(receiveBufferByteCount: Int32? = nil) throws -> Peer {
    try Peer(port: port, receiveBufferByteCount: receiveBufferByteCount)
  }

  /// A peer with an open WebSocket.
  func open(target: String = "/", receiveBufferByteCount: Int32? = nil) throws -> Peer {
    let peer = try connect(receiveBufferByteCount: receiveBufferByteCount)
    try peer.upgrade(target: target)
    return peer
  }

  /// A peer with an open WebSocket, and the server's handle of it. One at a time.
  func openWithHandle(receiveBufferByteCount: Int32? = nil) throws -> (Peer, Connection) {
    let count = journal.connections.count
    let peer = try open(receiveBufferByteCount: receiveBufferByteCount)
    return (peer, try journal.connection(after: count))
  }

  /// Sockets of the server that are connections.
  var socketCount: Int { ProcessState.connectedCount(localPort: port) - strangerCount }

  var connectionCount: Int { server.statistics.reduce(0) { $0 + Int($1.connectionCount) } }
  var queuedByteCount: Int { server.statistics.reduce(0) { $0 + Int($1.queuedByteCount) } }

  var receivedByteCount: Int { server.statistics.reduce(0) { $0 + Int($1.receivedByteCount) } }

  /// Expects that nothing is left of any connection: no record, no queued byte, no socket, no state; and that the handler
  /// was told of the end of each, once.
  func expectNothingLeft(_ location: SourceLocation = #_sourceLocation) {
    #expect(
      eventually { connectionCount == 0 }, "\(connectionCount) connections left",
      sourceLocation: location)
    #expect(eventually { queuedByteCount == 0 }, "queued bytes left", sourceLocation: location)
    #expect(
      eventually { socketCount == 0 }, "\(socketCount) sockets left",
      sourceLocation: location)
    #expect(
      eventually { journal.trackedCount == 0 }, "states left",
      sourceLocation: location)
    for (connection, entries) in Dictionary(grouping: journal.entries, by: \.connection) {
      let events = entries.map(\.event)
      let ends = events.filter { if case .closed = $0 { true } else { false } }
      #expect(ends.count == 1, "closed \(ends.count) times", sourceLocation: location)
      #expect(events.first == .opened && events.last == ends.last, sourceLocation: location)
      #expect(connection.send("gone") == .closed, sourceLocation: location)
    }
  }
}

/// The kernel interfaces that tests run on: io_uring only where the kernel allows it.
let backends: [BackendKind] = BackendKind.allCases.filter { kind in
  guard kind == .ioURing, var configuration = try? ServerConfiguration(port: 0) else { return true }
  configuration.reactor.backend = .ioURing
  configuration.reactor.reactorCount = 1
  guard let server = try? Server(configuration, { _ in }) else { return false }
  server.stop()
  server.wait()
  return true
}

/// Runs a server with two reactors, which echoes unless `handle` sets other closures, and lends it to `body`. Ends it
/// then, and expects that nothing is left. Where there is much traffic, it had better not be recorded.
func serve(
  on kind: BackendKind, recordsTraffic: Bool = true,
  configure: (inout ServerConfiguration) -> Void = { _ in },
  handle: (inout Callbacks<Tracked>, Journal) -> Void = { on, _ in
    on.received = { connection, message, _ in connection.send(message) }
  },
  _ body: (RunningServer) throws -> Void,
  at location: SourceLocation = #_sourceLocation
) throws {
  var configuration = try ServerConfiguration(port: 0)
  configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
  configuration.reactor.reactorCount = 2
  configuration.reactor.lingerMilliseconds = 1000
  configuration.reactor.sendTimeoutMilliseconds = 1000
  configuration.reactor.stopMilliseconds = 1000
  configure(&configuration)
  let journal = Journal()
  let server = try Server(configuration, state: Tracked.self) { on in
    on.upgrade = { request, _ in .accept(Tracked(journal, note: request.target)) }
    handle(&on, journal)
    if recordsTraffic { journal.recordTraffic(&on) }
    journal.recordEnds(&on)
  }
  let port = try #require(server.addresses.first?.port)
  let running = RunningServer(server, journal, port: port)
  defer {
    server.stop()
    server.wait()
    #expect(journal.trackedCount == 0, sourceLocation: location)
  }
  try body(running)
  // What the body has left open is gone with its peers.
  running.expectNothingLeft(location)
}

extension Journal {
  /// Has all that arrives recorded before it is handled.
  func recordTraffic(_ on: inout Callbacks<Tracked>) {
    let (received, drained) = (on.received, on.drained)
    on.received = { [self] connection, message, state in
      add(message.isText ? .text(message.text) : .binary(message.copy), connection)
      received?(connection, message, &state)
    }
    on.drained = { [self] connection, state in
      add(.drained, connection)
      drained?(connection, &state)
    }
    let (ping, pong) = (on.receivedPing, on.receivedPong)
    on.receivedPing = { [self] connection, payload, state in
      add(.ping(payload.text), connection)
      ping?(connection, payload, &state)
    }
    on.receivedPong = { [self] connection, payload, state in
      add(.pong(payload.text), connection)
      pong?(connection, payload, &state)
    }
  }

  /// Has the beginning and the end of each connection recorded before it is handled.
  func recordEnds(_ on: inout Callbacks<Tracked>) {
    let (opened, failed, closed) = (on.opened, on.failed, on.closed)
    on.opened = { [self] connection, state in
      add(.opened, connection)
      opened?(connection, &state)
    }
    on.failed = { [self] connection, error, state in
      add(.failed(error), connection)
      failed?(connection, error, &state)
    }
    on.closed = { [self] connection, closure, state in
      add(.closed(closure), connection)
      closed?(connection, closure, &state)
    }
  }
}

extension RawSpan {
  var text: String { withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
}
