import Glibc
import Synchronization
import WebSocket

/// Many connections of one client.
final class Crowd: Sendable {
  /// Some did not do what they should, or not in time.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private static let patienceMilliseconds = 60_000
  private static let message = "twenty bytes, text.\n"

  private let options: Options
  private let client: Client<Void>
  private let tally: Tally

  /// What the reactors tell the main thread.
  private final class Tally: Sendable {
    let members = Mutex<[Connection]>([])
    let failures = Mutex<[String]>([])
    let echoedCount = Atomic<Int>(0)
    let closedCount = Atomic<Int>(0)
    /// Closed as both ends wanted.
    let cleanCount = Atomic<Int>(0)

    func failed(_ text: String) {
      failures.withLock { $0.append(text) }
    }
  }

  init(_ options: Options) throws {
    self.options = options
    let tally = Tally()
    self.tally = tally
    client = try Client(options.configuration) { on in
      on.opened = { connection, _ in
        tally.members.withLock { $0.append(connection) }
        connection.send(Self.message)
      }
      on.received = { _, message, _ in
        guard message.text == Self.message else { return tally.failed("another message came back") }
        tally.echoedCount.add(1, ordering: .relaxed)
      }
      on.closed = { _, closure, _ in
        if closure.isClean { tally.cleanCount.add(1, ordering: .relaxed) }
        tally.closedCount.add(1, ordering: .relaxed)
      }
    }
  }

  /// Asks for all connections at once.
  func dial() throws {
    let tally = tally
    for number in 0..<options.connectionCount {
      var dial = options.dial(number)
      dial.attemptFailed = { failure, _ in tally.failed("\(failure)") }
      try client.connect(to: "ws://127.0.0.1:\(options.port)/", options: dial)
    }
    try waitFor("echoed") { tally.echoedCount.load(ordering: .relaxed) }
  }

  /// Each connection has a message echoed.
  func echo() throws {
    tally.echoedCount.store(0, ordering: .relaxed)
    for member in tally.members.withLock({ $0 }) { member.send(Self.message) }
    try waitFor("echoed") { tally.echoedCount.load(ordering: .relaxed) }
  }

  func close() throws {
    for member in tally.members.withLock({ $0 }) { member.close() }
    try waitFor("closed", mayClose: true) { tally.closedCount.load(ordering: .relaxed) }
    let cleanCount = tally.cleanCount.load(ordering: .relaxed)
    guard cleanCount == options.connectionCount else {
      throw Failure(description: "\(options.connectionCount - cleanCount) were not closed cleanly")
    }
    client.stop()
    client.wait()
  }

  /// Blocks until `count` is that of the connections.
  private func waitFor(_ what: String, mayClose: Bool = false, _ count: () -> Int) throws {
    for _ in 0..<Self.patienceMilliseconds {
      let failures = tally.failures.withLock { $0 }
      let closedCount = mayClose ? 0 : tally.closedCount.load(ordering: .relaxed)
      guard failures.isEmpty, closedCount == 0 else {
        let first = failures.first ?? "\(closedCount) connections were closed"
        throw Failure(description: "\(first) (\(failures.count) failures)")
      }
      if count() == options.connectionCount { return }
      usleep(1000)
    }
    throw Failure(description: "only \(count()) have \(what)")
  }
}
