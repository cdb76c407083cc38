import WebSocket

/// What must hold in the end.
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
}
