import Glibc
import Synchronization
import WebSocket

/// What a server's handler has been told, in order, and what lives of its connections' state.
final class Journal: Sendable {
  enum Event: Equatable, Sendable {
    case opened
    case text(String)
    case binary([UInt8])
    case ping(String)
    case pong(String)
    case drained
    case failed(ConnectionError)
    case closed(Closure)
  }

  struct Entry: Sendable {
    let connection: Connection
    let event: Event
  }

  private let list = Locked<[Entry]>([])
  private let tracked = Atomic<Int>(0)

  func add(_ event: Event, _ connection: Connection) {
    list.withLock { $0.append(Entry(connection: connection, event: event)) }
  }

  var entries: [Entry] { list.withLock { $0 } }
  var events: [Event] { entries.map(\.event) }
  var connections: [Connection] { entries.filter { $0.event == .opened }.map(\.connection) }

  var closures: [Closure] {
    events.compactMap { if case .closed(let closure) = $0 { closure } else { nil } }
  }

  var errors: [ConnectionError] {
    events.compactMap { if case .failed(let error) = $0 { error } else { nil } }
  }

  /// States of connections that live.
  var trackedCount: Int { tracked.load(ordering: .relaxed) }

  fileprivate func track(_ change: Int) {
    tracked.add(change, ordering: .relaxed)
  }

  /// The events of one connection.
  func events(of connection: Connection) -> [Event] {
    entries.filter { $0.connection == connection }.map(\.event)
  }

  /// Waits for the connection that is opened as the one after `count` others.
  func connection(after count: Int = 0) throws -> Connection {
    guard eventually({ connections.count > count }) else { throw PeerError.timedOut }
    return connections[count]
  }

  /// Waits until a connection has ended. There must be only one that does.
  func closure() throws -> Closure {
    guard eventually({ !closures.isEmpty }) else { throw PeerError.timedOut }
    return closures[0]
  }
}

/// Something that is kept with a connection, and counted as long as it lives.
final class Tracked: Sendable {
  private let journal: Journal
  /// What the upgrade kept of the request.
  let note: String

  init(_ journal: Journal, note: String = "") {
    self.journal = journal
    self.note = note
    journal.track(1)
  }

  deinit {
    journal.track(-1)
  }
}

/// Waits until something is true, five seconds at most. Returns whether it is.
func eventually(seconds: Double = 5, _ isTrue: () throws -> Bool) rethrows -> Bool {
  let clock = ContinuousClock()
  let end = clock.now + .seconds(seconds)
  while clock.now < end {
    if try isTrue() { return true }
    usleep(1000)
  }
  return try isTrue()
}

/// How long something takes.
func seconds(of body: () throws -> Void) rethrows -> Double {
  let duration = try ContinuousClock().measure(body)
  return Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
