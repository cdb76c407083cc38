import Glibc
import Testing

@testable import Reactor

/// A group with one reactor whose connections are begun by tests, and what its handler has been told.
final class Dialing: Sendable {
  /// One call of the handler's.
  enum Event: Equatable, Sendable {
    case connected
    case received(String)
    case ended
    case expired
    case closed(Int32?)
  }

  let group: ReactorGroup
  private let journal: ConditionLock<[String: [Event]]>

  init(_ kind: BackendKind, _ change: (inout ReactorConfiguration) -> Void = { _ in }) throws {
    var configuration = ReactorConfiguration()
    configuration.backend = kind == .epoll ? .epoll : .ioURing
    configuration.reactorCount = 1
    configuration.stopMilliseconds = 500
    configuration.receiveBufferCount = 64
    change(&configuration)
    let journal = ConditionLock<[String: [Event]]>([:])
    self.journal = journal
    group = try ReactorGroup(configuration: configuration, addresses: []) {
      DialingHandler($0, journal)
    }
  }

  /// Runs a body on the reactor's thread, and waits for its result.
  func run<Value: Sendable>(_ body: @escaping @Sendable (Reactor) -> Value) -> Value {
    let answer = Answer<Value>()
    group.execute { answer.give(body($0!)) }
    return answer.wait()
  }

  /// Begins to connect; the error if there was one at once.
  func connect(
    to address: SocketAddress, options: ConnectingOptions = ConnectingOptions(),
    deadlineMilliseconds: Int? = nil
  ) -> Result<ConnectionID, SystemError> {
    run { reactor in
      Result { () throws(SystemError) in
        let connection = try reactor.connect(to: address, options: options)
        if let deadlineMilliseconds {
          reactor.setDeadline(on: connection, afterMilliseconds: deadlineMilliseconds)
        }
        return reactor.id(of: connection)
      }
    }
  }

  func adopt(_ descriptor: Int32) -> Result<ConnectionID, SystemError> {
    run { reactor in
      Result { () throws(SystemError) in reactor.id(of: try reactor.adopt(descriptor)) }
    }
  }

  func events(of id: ConnectionID) -> [Event] {
    journal.withLock { $0[LineJournal.name(id)] ?? [] }
  }

  func wait(_ id: ConnectionID, until holds: @Sendable ([Event]) -> Bool) -> [Event] {
    let start = ContinuousClock.now
    while !holds(events(of: id)), ContinuousClock.now - start < .seconds(5) {
      Pause.milliseconds(1)
    }
    return events(of: id)
  }

  /// Waits until it has ended.
  func end(of id: ConnectionID) -> [Event] {
    wait(id) { if case .closed = $0.last { true } else { false } }
  }

  var total: ReactorStatistics { group.statistics.reduce(ReactorStatistics(), +) }

  /// Stops, and checks that nothing is left and that each connection was told closed once, and last.
  func stop() {
    group.stop()
    group.wait()
    #expect(total.connectionCount == 0)
    for events in journal.withLock({ Array($0.values) }) {
      let ends = events.filter { if case .closed = $0 { true } else { false } }
      #expect(ends.count == 1 && events.last == ends.last, "\(events)")
      #expect(events.count { $0 == .connected } <= 1)
    }
  }
}

private final class DialingHandler: ConnectionHandler {
  private let reactor: Reactor
  private let journal: ConditionLock<[String: [Dialing.Event]]>

  init(_ reactor: Reactor, _ journal: ConditionLock<[String: [Dialing.Event]]>) {
    self.reactor = reactor
    self.journal = journal
  }

  private func note(_ event: Dialing.Event, _ connection: ConnectionPointer) {
    let name = LineJournal.name(reactor.id(of: connection))
    journal.withLock { $0[name, default: []].append(event) }
  }

  func accepted(_ connection: ConnectionPointer, listener: Int) {}

  func connected(_ connection: ConnectionPointer) {
    note(.connected, connection)
    reactor.send("hello".utf8Span.span.bytes, on: connection)
  }

  func received(_ bytes: UnsafeMutableRawBufferPointer, on connection: ConnectionPointer) {
    note(.received(String(decoding: bytes, as: UTF8.self)), connection)
  }

  func receiveEnded(on connection: ConnectionPointer) {
    note(.ended, connection)
    reactor.finish(connection)
  }

  func lagged(behind log: TopicLog, on connection: ConnectionPointer) {}
  func drained(_ connection: ConnectionPointer) {}

  func expired(_ connection: ConnectionPointer) {
    note(.expired, connection)
    reactor.abort(connection)
  }

  func posted(_ chunk: PostedChunk, on connection: ConnectionPointer) {
    reactor.enqueue(chunk, on: connection)
  }

  func closed(_ connection: ConnectionPointer, error: SystemError?) {
    note(.closed(error?.code), connection)
  }

  func stopping() {
    reactor.forEachConnection { reactor.finish($0) }
  }
}
