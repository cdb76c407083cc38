import Glibc
import Testing

@testable import WebSocket

/// A client, with what its handler and its dials have been told.
struct RunningClient {
  /// One call of `DialOptions.attemptFailed`.
  struct Failure: Sendable {
    let reason: ConnectFailure
    let retryMilliseconds: Int?
  }

  let client: Client<Tracked>
  let journal: Journal
  private let list = Locked<[Failure]>([])

  init(_ client: Client<Tracked>, _ journal: Journal) {
    self.client = client
    self.journal = journal
  }

  var failures: [Failure] { list.withLock { $0 } }
  var reasons: [ConnectFailure] { failures.map(\.reason) }

  /// Attempts that no other one follows.
  var lastFailures: [ConnectFailure] {
    failures.filter { $0.retryMilliseconds == nil }.map(\.reason)
  }

  func options(_ change: (inout DialOptions) -> Void = { _ in }) -> DialOptions {
    var options = DialOptions()
    let list = list
    options.attemptFailed = { reason, milliseconds in
      list.withLock { $0.append(Failure(reason: reason, retryMilliseconds: milliseconds)) }
    }
    change(&options)
    return options
  }

  func dial(_ url: String, _ change: (inout DialOptions) -> Void = { _ in }) throws -> Dial {
    let journal = journal
    return try client.connect(to: url, options: options(change), state: Tracked(journal))
  }

  /// An open connection to a server that a test plays.
  func open(
    _ server: ScriptedServer, _ change: (inout DialOptions) -> Void = { _ in }
  ) throws -> (Connection, Peer) {
    let dial = try dial(server.url, change)
    let peer = try server.open()
    return (try dial.waitUntilOpen(), peer)
  }

  var connectionCount: Int { client.statistics.reduce(0) { $0 + Int($1.connectionCount) } }

  /// Keeps the reactor from doing anything until what is returned is called.
  func hold() -> () -> Void {
    let isFree = Flag()
    let isHeld = Flag()
    client.group.execute { _ in
      isHeld.set()
      while !isFree.isSet { usleep(200) }
    }
    while !isHeld.isSet { usleep(200) }
    return { isFree.set() }
  }
}

/// Runs a client with one reactor, and lends it to `body`. Ends it then, and expects that nothing is left, that `closed`
/// was told once for each `opened`, and last.
func dialing(
  on kind: BackendKind, configure: (inout ClientConfiguration) -> Void = { _ in },
  handle: (inout Callbacks<Tracked>, Journal) -> Void = { _, _ in },
  _ body: (RunningClient) throws -> Void,
  at location: SourceLocation = #_sourceLocation
) throws {
  var configuration = ClientConfiguration()
  configuration.reactor.backend = kind == .epoll ? .epoll : .ioURing
  configuration.reactor.lingerMilliseconds = 1000
  configuration.reactor.stopMilliseconds = 1000
  configuration.connectTimeoutMilliseconds = 8_000
  configure(&configuration)
  let journal = Journal()
  let client = try Client(configuration, state: Tracked.self) { on in
    handle(&on, journal)
    journal.recordTraffic(&on)
    journal.recordEnds(&on)
  }
  let running = RunningClient(client, journal)
  defer {
    client.stop()
    client.wait()
    #expect(running.connectionCount == 0, sourceLocation: location)
    #expect(eventually { journal.trackedCount == 0 }, "states left", sourceLocation: location)
    for (connection, entries) in Dictionary(grouping: journal.entries, by: \.connection) {
      let events = entries.map(\.event)
      let ends = events.filter { if case .closed = $0 { true } else { false } }
      #expect(ends.count == 1, "closed \(ends.count) times", sourceLocation: location)
      #expect(events.first == .opened && events.last == ends.last, sourceLocation: location)
      #expect(connection.send("gone") == .closed, sourceLocation: location)
    }
  }
  try body(running)
}
