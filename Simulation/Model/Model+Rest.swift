import WebSocket

/// What must hold in between, and in the end.
extension Model {
  /// What must hold when nothing has been going on for a while.
  func checkAtRest() {
    for session in sessions where session.isOpen {
      checkIsAlive(session)
      guard session.openPeer != nil else { continue }
      if let loss = loss(of: session, isEnded: false) {
        report("at rest, from the \(session), \(loss)")
      }
      if lastIsLost(of: session) { report("at rest, from the \(session), the last one was lost") }
      if session.owesDrained { report("drained has not followed backpressure") }
      if session.fragments != nil { report("at rest, a message in fragments is not complete") }
      if session.pings.isLost { report("at rest, a ping of the \(session) is lost") }
      if session.pings.isUnanswered { report("at rest, no pong has come for the last ping") }
      guard session.isServer, !session.isLenient else { continue }
      for topic in topics.indices { checkSubscription(topic, of: session) }
    }
    checkBroadcasts()
    for dial in dials { report(dial.violation(atNanoseconds: now)) }
  }

  /// What must hold when all is over.
  func checkAtEnd() {
    for session in sessions where session.openedCount > 0 {
      if session.closure == nil { report("closed has never been called") }
      checkClosure(of: session)
      for lane in session.lanes where lane.openCompletion != nil {
        report("a completion has never been called")
      }
    }
    for dial in dials { report(dial.violation(atNanoseconds: nil)) }
  }

  // MARK: Bounds

  /// Bytes that one send takes of topics, if a queue may be shorter.
  private static let sendByteCountMax = 256 * 1024

  /// Bytes that may wait on a session: as many as the limit says or one message, in the queue and
  /// once more on the way to it; control frames, which no limit applies to; and what one send takes
  /// of topics, and more of them than a subscriber may lag behind.
  func queuedByteCountMax(of session: Session) -> Int {
    let limit = 2 * max(settings.queue.byteCountMax, session.longestByteCount)
    let control = controlByteCountMax(of: session)
    guard session.hasSubscribed else { return limit + control }
    let longest = topics.reduce(0) { max($0, $1.segmentByteCountMax) }
    let lag = topics.reduce(0) { $0 + $1.lagByteCountMax }
    return limit + control + Self.sendByteCountMax + longest + lag
  }

  func checkQueue(of session: Session) {
    // Nearly always it is less than what may always be.
    guard let count = session.connection?.queuedByteCount, count > settings.queue.byteCountMax
    else { return session.tolerated = 0 }
    var most = queuedByteCountMax(of: session)
    guard count > most else { return session.tolerated = 0 }
    // What has come of topics lately is referred to without a limit until the kernel is offered it. If
    // the peer does not read then, so much stays, but no more comes besides control frames.
    if session.hasSubscribed {
      let recent = topics.reduce(0) { $0 + $1.byteCount(sinceNanoseconds: now - 2_000_000_000) }
      most = max(most + recent, session.tolerated + controlByteCountMax(of: session))
      let isNew = recent > 0 || session.tolerated == 0
      session.tolerated = isNew ? count : min(session.tolerated, count)
    }
    if count > most { report("\(count) bytes are queued, and \(most) may be") }
  }

  private func controlByteCountMax(of session: Session) -> Int {
    session.pings.openByteCount + 4096
  }

  /// - Parameters:
  ///   - topic: its number.
  ///   - keptByteCount: what is kept for whoever subscribes later.
  ///   - heldByteCount: what is held for those who have subscribed.
  func checkLog(_ topic: Int, keptByteCount: Int, heldByteCount: Int) {
    let record = topics[topic]
    if keptByteCount > record.keptByteCountMax {
      report("\(keptByteCount) bytes of a topic are kept, and \(record.keptByteCountMax) may be")
    }
    if let least = record.keptByteCountMin, keptByteCount < least {
      report("\(keptByteCount) bytes of a topic are kept, and \(least) must be")
    }
    let usual =
      record.lagByteCountMax + record.limits.historyByteCount + 2 * record.segmentByteCountMax
    guard heldByteCount > usual else { return }
    // Whoever began in the past is still sent that.
    let most = usual + inFlightByteCountMax() + record.unjudgedByteCount(atNanoseconds: now)
    if heldByteCount > most {
      report("\(heldByteCount) bytes of a topic are held for subscribers, and \(most) may be")
    }
  }

  /// Bytes that one send may have taken of topics, before anybody knew how slow its peer is. As long
  /// as it is in flight they are not let go of, however far the connection lags, and after that not
  /// before the topics are looked at again.
  private func inFlightByteCountMax() -> Int {
    let most = openSessions.reduce(0) { most, session in
      session.hasSubscribed ? max(most, session.connection?.queuedByteCount ?? 0) : most
    }
    if most >= heldInFlight.byteCount || now - heldInFlight.nanoseconds > 2_000_000_000 {
      heldInFlight = (min(most, Self.sendByteCountMax), now)
    }
    return heldInFlight.byteCount
  }

  /// All have been sent all: what is held is the part that is being added to.
  func checkLogAtRest(_ topic: Int, heldByteCount: Int) {
    if heldByteCount > topics[topic].segmentByteCountMax {
      report("at rest, \(heldByteCount) bytes of a topic are held for subscribers")
    }
  }
}
