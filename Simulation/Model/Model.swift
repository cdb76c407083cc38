import Reactor
import WebSocket

/// What should be: keeps account of every session, message, completion and topic, and says what is
/// not as it was promised. It knows nothing of how Martlet works.
final class Model {
  private let simulation: Simulation
  let overflow: QueueLimits.Overflow
  /// Of each topic: whether messages that are superseded by their key are left out silently.
  private let isConflated: [Bool]
  private(set) var sessions: [Session] = []
  private(set) var topics: [[Published]] = [[], [], []]
  /// The last ordinal that each thread has published on some topic: what it sends next comes
  /// behind that.
  private var lastPublished: [Int: (topic: Int, ordinal: Int)] = [:]

  struct Published {
    let byteCount: Int
    let excluded: Session?
    let key: UInt64
    /// A later one has the same key.
    var isSuperseded = false
  }

  /// What a direct message tells its receiver besides what the application makes of it.
  enum Marker: Int {
    case plain = 0x80, hello, subscribed, unsubscribed
  }

  /// Where a line goes for each thing that happens, to understand a failure.
  var log: ((String) -> Void)?

  func note(_ text: @autoclosure () -> String) {
    guard let log else { return }
    let microseconds = simulation.nowNanoseconds / 1000 - 1_000_000_000
    log("\(microseconds) µs: \(text())")
  }

  /// What the server says to all: no message of any lane.
  static let broadcast = Array("all".utf8)

  init(_ simulation: Simulation, _ settings: Plan.Settings) {
    self.simulation = simulation
    overflow = settings.queue.overflow
    isConflated = settings.topics.map { topic in
      if case .newestPerKey = topic.limits.lag { true } else { false }
    }
  }

  deinit {
    // The two ends of a connection hold each other.
    for session in sessions { session.peer = nil }
  }

  func report(_ violation: String?) {
    guard let violation else { return }
    note("VIOLATION: \(violation)")
    simulation.report(violation: violation)
  }

  func session(isServer: Bool, dial: Int) -> Session {
    let session = Session(sessions.count, isServer: isServer, dial: dial)
    sessions.append(session)
    return session
  }

  // MARK: What sessions are told

  func opened(_ session: Session, _ connection: Connection) {
    session.connection = connection
    session.openedCount += 1
    note("\(session) opened")
    if session.openedCount > 1 { report("opened was called twice") }
  }

  func checkIsOpen(_ session: Session, _ event: String) {
    if !session.isOpen { report("\(event) came outside of opened and closed") }
  }

  func closed(_ session: Session, _ closure: Closure) {
    if session.openedCount != 1 { report("closed came without opened") }
    if session.closure != nil { report("closed was called twice") }
    session.closure = closure
    note("\(session) closed: \(closure)")
    guard closure.code != .abnormalClosure, let peer = session.peer else { return }
    // The peer's close frame has come: so has all before it.
    if let loss = peer.lanes.lazy.compactMap({ $0.loss(isEnded: true) }).first {
      report(
        "before a close frame (\(closure), policy \(overflow)), session \(peer.number): \(loss)")
    }
  }

  func failed(_ session: Session, _ error: ConnectionError) {
    note("\(session) failed: \(error)")
    checkIsOpen(session, "failed")
    switch error {
    case .protocolError(let error): report("the peer broke a rule: \(error)")
    // A fragment that is dropped when it arrives ends the connection under every policy.
    case .queueOverflow where overflow != .close && !session.hasSentFragments:
      report("overflow, against the policy")
    default: break
    }
  }

  func lagged(_ session: Session, _ topic: Int, _ missedCount: Int) {
    note("\(session) lagged by \(missedCount) of topic \(topic)")
    checkIsOpen(session, "lagged")
    if missedCount <= 0 { report("lagged without a loss") }
    session.subscriptions[topic].reportedCount += missedCount
  }

  // MARK: Topics

  /// Notes what is about to be published. Returns its ordinal.
  func publishing(
    _ topic: Int, _ byteCount: Int, key: UInt64, excluding: Session?, thread: Int
  ) -> Int {
    let ordinal = topics[topic].count
    note("thread \(thread) publishes \(ordinal) of topic \(topic), \(byteCount) bytes")
    if key != 0, let before = topics[topic].lastIndex(where: { $0.key == key }) {
      topics[topic][before].isSuperseded = true
    }
    topics[topic].append(Published(byteCount: byteCount, excluded: excluding, key: key))
    lastPublished[thread] = (topic, ordinal)
    return ordinal
  }

  /// What tells a receiver which of a topic's messages must have come before.
  func floor(thread: Int) -> Int {
    guard let last = lastPublished[thread] else { return 0 }
    return last.topic << 40 | (last.ordinal + 1)
  }

  private func topicArrived(_ payload: Payload, at session: Session) {
    guard let server = session.peer, payload.source < topics.count else {
      return report("a topic's message came before anything else")
    }
    note("\(session) got \(payload.number) of topic \(payload.source)")
    guard !server.isLenient else { return }
    let (topic, ordinal) = (payload.source, payload.number)
    guard ordinal < topics[topic].count, topics[topic][ordinal].byteCount == payload.byteCount
    else { return report("a message of a topic was never published") }
    guard let next = server.subscriptions[topic].next else {
      return report("a message of a topic that is not subscribed to")
    }
    guard ordinal >= next else { return report("a topic's message came again, or late") }
    let subscription = server.subscriptions[topic]
    if ordinal < subscription.floor {
      report("a topic's message came behind what was sent after it")
    }
    if topics[topic][ordinal].excluded === server { report("an excluded message came") }
    server.subscriptions[topic].missing += missing(next..<ordinal, of: topic, for: server)
    server.subscriptions[topic].next = ordinal + 1
  }

  private func missing(_ ordinals: Range<Int>, of topic: Int, for server: Session) -> [Int] {
    ordinals.filter { topics[topic][$0].excluded !== server }
  }

  // MARK: Messages

  func arrived(_ bytes: [UInt8], at session: Session) -> Payload? {
    checkIsOpen(session, "received")
    guard bytes.count >= Payload.headByteCount else {
      tinyArrived(bytes, at: session)
      return nil
    }
    guard let payload = Payload(bytes) else {
      report("a message of \(bytes.count) bytes has been changed or cut")
      return nil
    }
    guard payload.kind == .direct else {
      topicArrived(payload, at: session)
      return nil
    }
    guard payload.source < sessions.count, sessions[payload.source].isServer != session.isServer
    else {
      report("a message came to the wrong end")
      return nil
    }
    let sender = sessions[payload.source]
    note(
      "\(session) got \(payload.number) of lane \(payload.lane), operation"
        + " \(payload.operation) \(payload.argument >> 40):\(payload.argument & 0xFF_FFFF_FFFF)")
    if session.peer == nil { bind(session, sender) }
    guard session.peer === sender else {
      report("a message came to another connection")
      return nil
    }
    report(sender.lanes[payload.lane].arrived(payload.number))
    if sender.isServer { note(payload, from: sender) }
    return payload
  }

  private func bind(_ session: Session, _ other: Session) {
    if session.dial != other.dial || (other.peer != nil && other.peer !== session) {
      return report("two ends are mixed up")
    }
    session.peer = other
    other.peer = session
  }

  private func tinyArrived(_ bytes: [UInt8], at session: Session) {
    guard let sender = session.peer, bytes != Self.broadcast else { return }
    let lane = sender.lanes[1]
    guard let number = lane.nextTiny(byteCount: bytes.count),
      bytes == Payload.tiny(bytes.count, seed: sender.number)
    else { return report("a tiny message came that was not sent") }
    report(lane.arrived(number))
  }

  private func note(_ payload: Payload, from server: Session) {
    let topic = payload.argument >> 40
    let ordinal = payload.argument & (1 << 40 - 1)
    switch Marker(rawValue: payload.operation) {
    case .subscribed:
      server.subscriptions[topic].next = ordinal
      server.subscriptions[topic].startNumber = ordinal
      server.subscriptions[topic].missing = []
      server.subscriptions[topic].floor = 0
    case .unsubscribed:
      server.subscriptions[topic].next = nil
    case .plain:
      let subscription = server.subscriptions[topic]
      // As long as the past is replayed, what is sent directly waits for nothing.
      guard let next = subscription.next, next >= subscription.replayEnd else { return }
      server.subscriptions[topic].floor = max(subscription.floor, ordinal)
    case .hello, nil: break
    }
  }

  // MARK: At rest

  /// What must hold when nothing has been going on for a while.
  func checkAtRest() {
    for session in sessions where session.isOpen {
      guard let peer = session.peer, peer.isOpen else { continue }
      for lane in session.lanes {
        if let loss = lane.loss(isEnded: false) {
          report("at rest, from the \(session), \(loss)")
        }
      }
      if session.owesDrained { report("drained has not followed backpressure") }
      guard session.isServer, !session.isLenient else { continue }
      for topic in 0..<3 { checkSubscription(topic, of: session) }
    }
  }

  private func checkSubscription(_ topic: Int, of server: Session) {
    let subscription = server.subscriptions[topic]
    guard subscription.isWanted, !subscription.isInexact else { return }
    guard let next = subscription.next else {
      return report("at rest, a subscription has not begun")
    }
    let end = topics[topic].count
    guard next <= end else { return }
    let missing = subscription.missing + missing(next..<end, of: topic, for: server)
    let silentCount = missing.count { isConflated[topic] && topics[topic][$0].isSuperseded }
    let reported = subscription.reportedCount
    if reported > missing.count || reported < missing.count - silentCount {
      report(
        "at rest, for the \(server), \(missing.count) messages of topic \(topic) are missing, \(silentCount) of them"
          + " silently, and \(reported) were reported")
    }
  }

  /// What must hold when all is over.
  func checkAtEnd() {
    for session in sessions where session.openedCount > 0 {
      if session.closure == nil { report("closed has never been called") }
      for lane in session.lanes where lane.openCompletion != nil {
        report("a completion has never been called")
      }
    }
  }
}
