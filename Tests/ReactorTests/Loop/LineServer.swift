import Synchronization
import Testing

@testable import Reactor

/// A group that serves lines: the smallest protocol that makes a reactor do all it can. See `LineHandler`.
final class LineServer: Sendable {
  let group: ReactorGroup
  let journal: LineJournal

  /// On `kind`, on two reactors unless `change` says otherwise.
  init(
    _ kind: BackendKind, on addresses: [SocketAddress] = [.loopback(port: 0)],
    options: ListenerOptions = ListenerOptions(),
    _ change: (inout ReactorConfiguration) -> Void = { _ in }
  ) throws {
    var configuration = ReactorConfiguration()
    configuration.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactorCount = 2
    configuration.stopMilliseconds = 500
    configuration.sendTimeoutMilliseconds = 500
    configuration.receiveBufferCount = 64
    let journal = LineJournal()
    configuration.log = { line in journal.log.withLock { $0.append(line) } }
    change(&configuration)
    self.journal = journal
    group = try ReactorGroup(
      configuration: configuration, addresses: addresses, options: options, attachmentByteCount: 16
    ) { LineHandler($0, journal) }
  }

  /// Stops, and checks that all that was opened has been closed. Every test ends so.
  func stop() {
    group.stop()
    group.wait()
    let total = total
    #expect(total.connectionCount == 0)
    #expect(total.queuedByteCount == 0)
    #expect(total.acceptedCount == UInt64(journal.closedCount))
  }

  func connect(_ listener: Int = 0) throws -> LineClient {
    try LineClient(group.addresses[listener])
  }

  /// The sum over all reactors.
  var total: ReactorStatistics {
    group.statistics.reduce(ReactorStatistics(), +)
  }

  /// The id of a connection, which a client has asked for.
  func id(of client: LineClient) throws -> ConnectionID {
    let reply = try #require(client.ask("id"))
    return try #require(journal.ids.withLock { $0[reply] })
  }

  /// Waits for something that other threads do. False: it has not come within five seconds.
  func wait(until holds: () -> Bool) -> Bool {
    let start = ContinuousClock.now
    while !holds() {
      if ContinuousClock.now - start > .seconds(5) { return false }
      Pause.milliseconds(2)
    }
    return true
  }
}

/// What the handlers of a line server have seen.
final class LineJournal: Sendable {
  struct Closing: Sendable {
    let name: String
    let errorCode: Int32?
  }

  let log = ConditionLock<[String]>([])
  let ids = ConditionLock<[String: ConnectionID]>([:])
  let closings = ConditionLock<[Closing]>([])
  /// Names of connections whose deadline came, and after how many nanoseconds.
  let expirations = ConditionLock<[(name: String, nanoseconds: Int64)]>([])
  let drainedCount = Atomic<Int>(0)
  let receivedByteCount = Atomic<Int>(0)
  /// Connections by reactor.
  let acceptedBy = ConditionLock<[Int: Int]>([:])

  func hasLogged(_ text: String) -> Bool { log.withLock { $0.contains { $0.contains(text) } } }

  var closedCount: Int { closings.withLock { $0.count } }

  func closing(_ id: ConnectionID) -> Closing? {
    closings.withLock { all in all.first { $0.name == LineJournal.name(id) } }
  }

  static func name(_ id: ConnectionID) -> String {
    "\(id.reactor).\(id.index).\(id.generation)"
  }
}
