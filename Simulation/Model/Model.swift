import Reactor
import ReactorSimulation
import WebSocket

/// What should be: keeps account of every session, message, completion and topic, and says what is
/// not as it was promised. It knows nothing of how Martlet works.
final class Model {
  let simulation: Simulation
  let settings: Plan.Settings
  private(set) var sessions: [Session] = []
  /// Those of them that are open, in no particular order.
  private(set) var openSessions: [Session] = []
  var topics: [TopicRecord]
  var dials: [DialRecord] = []
  var broadcasts: [Broadcast] = []
  /// The last ordinal that each thread has published on some topic: what it sends next comes
  /// behind that.
  var lastPublished: [Int: (topic: Int, ordinal: Int)] = [:]
  var serverStop: Int64?
  var clientStop: Int64?
  /// Bytes of topics that a send in flight may have held last, and when.
  var heldInFlight = (byteCount: 0, nanoseconds: Int64(0))

  /// What a direct message tells its receiver besides what the application makes of it.
  enum Marker: Int {
    case plain = 0x80, hello, subscribed, unsubscribed, gap
  }

  /// Where a line goes for each thing that happens, to understand a failure.
  var log: ((String) -> Void)?

  func note(_ text: @autoclosure () -> String) {
    guard let log else { return }
    let microseconds = simulation.nowNanoseconds / 1000 - 1_000_000_000
    log("\(microseconds) µs: \(text())")
  }

  init(_ simulation: Simulation, _ settings: Plan.Settings) {
    self.simulation = simulation
    self.settings = settings
    topics = settings.topics.map { TopicRecord($0.limits) }
  }

  deinit {
    // The two ends of a connection hold each other.
    for session in sessions { session.peer = nil }
  }

  var overflow: QueueLimits.Overflow { settings.queue.overflow }
  var now: Int64 { simulation.nowNanoseconds }

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
    session.openedNanoseconds = now
    session.heardNanoseconds = now
    openSessions.append(session)
    note("\(session) opened")
    if session.openedCount > 1 { report("opened was called twice") }
    guard !session.isServer, session.dial < dials.count else { return }
    report(dials[session.dial].opened(session, atNanoseconds: now))
  }

  /// A handler is told something that the peer has sent.
  func heard(_ session: Session, _ event: String) {
    checkIsOpen(session, event)
    session.heardNanoseconds = now
  }

  func checkIsOpen(_ session: Session, _ event: String) {
    if session.openedCount == 0 { report("\(event) came before opened") }
    if session.closure != nil { report("\(event) came after closed") }
  }

  func closed(_ session: Session, _ closure: Closure) {
    if session.openedCount != 1 { report("closed came without opened") }
    if session.closure != nil { report("closed was called twice") }
    session.closure = closure
    openSessions.removeAll { $0 === session }
    note("\(session) closed: \(closure)")
    if !session.isServer, session.dial < dials.count {
      dials[session.dial].closed(
        closure, isOwnWish: session.closing.isWanted || clientStop != nil, atNanoseconds: now)
    }
    guard closure.code != .abnormalClosure, let peer = session.peer else { return }
    // The peer's close frame has come: so has all before it.
    if let loss = loss(of: peer, isEnded: true) {
      report(
        "before a close frame (\(closure), policy \(overflow)), session \(peer.number): \(loss)")
    }
  }

  func failed(_ session: Session, _ error: ConnectionError) {
    note("\(session) failed: \(error)")
    checkIsOpen(session, "failed")
    session.closing.errors.append(error)
    switch error {
    case .protocolError(.invalidText) where mayReceiveMalformed(session): break
    case .protocolError(let error): report("the peer broke a rule: \(error)")
    // A fragment that is dropped when it arrives ends the connection under every policy.
    case .queueOverflow where overflow != .close && !session.hasSentFragments:
      report("overflow, against the policy")
    case .topicLag where !topics.contains { $0.closesLagging } || !session.hasSubscribed:
      report("closed for a lag, against the policy")
    case .idleTimeout: checkIdleTimeout(of: session)
    case .closeTimeout: checkCloseTimeout(of: session)
    default: break
    }
  }

  /// Whether the other end has sent as text what is none.
  private func mayReceiveMalformed(_ session: Session) -> Bool {
    // As long as no message has told which one it is, any end of the same dial.
    let peers =
      session.peer.map { [$0] }
      ?? sessions.filter { $0.dial == session.dial && $0.isServer != session.isServer }
    return peers.contains { $0.hasSentMalformed }
  }

  // MARK: Messages

  /// A completion tells what has become of a message.
  func completed(_ number: Int, _ outcome: SendOutcome, of lane: Lane, of session: Session) {
    report(lane.completed(number, outcome))
    guard outcome == .sent, let connection = session.connection else { return }
    session.completedByteCount += lane.byteCount(number)
    // The socket may have gone since: a completion before this one has ended the connection.
    if let count = simulation.sentByteCount(of: connection.id) { session.takenByteCount = count }
    if session.completedByteCount > session.takenByteCount {
      report("a completion says that a message is sent, which the kernel has not got")
    }
  }

  func arrived(_ bytes: [UInt8], isText: Bool, at session: Session) -> Payload? {
    heard(session, "received")
    if isText, !TextReading.isValid(bytes) { report("a text has arrived that is not UTF-8") }
    guard bytes.count >= Payload.headByteCount else {
      tinyArrived(bytes, isText: isText, at: session)
      return nil
    }
    guard let payload = Payload(bytes) else {
      report("a message of \(bytes.count) bytes has been changed or cut")
      return nil
    }
    guard payload.kind == .direct else {
      topicArrived(payload, isText: isText, at: session)
      return nil
    }
    note(
      "\(session) got \(payload.number) of lane \(payload.lane), operation"
        + " \(payload.operation) \(payload.argument >> 40):\(payload.argument & 0xFF_FFFF_FFFF)")
    if payload.source == session.number {
      report(echoArrived(payload, isText: isText, at: session))
      return nil
    }
    guard let sender = sender(payload.source, to: session) else { return nil }
    report(sender.lanes[payload.lane].arrived(payload.number, isText: isText))
    if sender.isServer { note(payload, from: sender) }
    return payload
  }

  private func echoArrived(_ payload: Payload, isText: Bool, at session: Session) -> String? {
    guard let echo = session.peer?.echoes[[payload.lane, payload.number]] else {
      return "a message came back that was not sent back"
    }
    return echo.lane.arrived(echo.number, isText: isText)
  }

  /// The other end of a session, to which something has come that names it.
  func sender(_ number: Int, to session: Session) -> Session? {
    guard number < sessions.count, sessions[number].isServer != session.isServer else {
      report("a message came to the wrong end")
      return nil
    }
    let sender = sessions[number]
    if session.peer == nil { bind(session, sender) }
    guard session.peer === sender else {
      report("a message came to another connection")
      return nil
    }
    return sender
  }

  private func bind(_ session: Session, _ other: Session) {
    if session.dial != other.dial || (other.peer != nil && other.peer !== session) {
      return report("two ends are mixed up")
    }
    session.peer = other
    other.peer = session
  }

  private func tinyArrived(_ bytes: [UInt8], isText: Bool, at session: Session) {
    if let number = Broadcast.number(bytes) {
      return broadcastArrived(number, isText: isText, at: session)
    }
    guard let sender = session.peer else { return }
    let lane = sender.lanes[1]
    guard let number = lane.nextTiny(byteCount: bytes.count, isText: isText),
      bytes == Payload.tiny(bytes.count, seed: sender.number)
    else { return report("a tiny message came that was not sent") }
    report(lane.arrived(number, isText: isText))
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
      server.subscriptions[topic].openEndCount -= 1
    case .gap: gapArrived(topic, ordinal, at: server)
    case .plain:
      let subscription = server.subscriptions[topic]
      // As long as the past is replayed, what is sent directly waits for nothing.
      guard let next = subscription.next, next >= subscription.replayEnd else { return }
      server.subscriptions[topic].floor = max(subscription.floor, ordinal)
    case .hello, nil: break
    }
  }

  // MARK: Losses

  /// What a session has sent and the peer has not got, without a reason.
  func loss(of session: Session, isEnded: Bool) -> String? {
    session.lanes.lazy.compactMap { lane in
      lane.loss(isEnded: isEnded) { self.mayBeDropped($0, of: session) }
    }.first
  }

  /// Whether the policy allows that a message was lost that had been taken. What is posted is
  /// decided about when it arrives.
  private func mayBeDropped(_ entry: Lane.Entry, of session: Session) -> Bool {
    guard !entry.isFragmented else { return false }
    switch overflow {
    case .close: return false
    case .dropNewest: return entry.isPosted && session.hasSubscribed
    case .dropOldest: return true
    }
  }

  /// Under `dropOldest` each message makes room for itself only: the last one of the reactor's own
  /// thread is there, unless something of others came behind it.
  func lastIsLost(of session: Session) -> Bool {
    guard overflow == .dropOldest,
      let last = session.lanes[1].entries.last(where: { $0.result != nil && !$0.isRefused }),
      !last.hasArrived, !last.isPosted
    else { return false }
    guard session.peer?.broadcasts.isEmpty ?? true else { return false }
    return !session.lanes.contains { lane in
      lane !== session.lanes[1]
        && lane.entries.contains { $0.hasArrived && ($0.order > last.order || $0.isPosted) }
    }
  }
}
