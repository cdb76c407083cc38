import WebSocket

/// What topics promise.
extension Model {
  /// Notes what is about to be published. Returns its ordinal.
  func publishing(
    _ topic: Int, _ byteCount: Int, isText: Bool, key: UInt64, excluding: Session?, thread: Int
  ) -> Int {
    let ordinal = topics[topic].count
    note("thread \(thread) publishes \(ordinal) of topic \(topic), \(byteCount) bytes")
    topics[topic].add(
      byteCount, isText: isText, key: key, excluding: excluding, nanoseconds: now)
    lastPublished[thread] = (topic, ordinal)
    return ordinal
  }

  /// What tells a receiver which of a topic's messages must have come before.
  func floor(thread: Int, _ session: Session) -> Int {
    guard let last = lastPublished[thread] else { return 0 }
    // Nothing is promised to others as long as the reactor does not know that thread 0 has subscribed
    // the connection.
    if thread != 0, session.subscribingCount > 0 { return 0 }
    return last.topic << 40 | (last.ordinal + 1)
  }

  /// A position was said not to be kept any more, and another one to be the oldest that is.
  func positionGone(_ topic: Int, _ position: Int, oldest: UInt64) {
    note("position \(position) of topic \(topic) is gone, the oldest is \(oldest)")
    if oldest <= UInt64(position) || topics[topic].mustKeep(from: position) {
      report("a position is not kept")
    }
  }

  func topicArrived(_ payload: Payload, isText: Bool, at session: Session) {
    guard let server = session.peer, payload.source < topics.count else {
      return report("a topic's message came before anything else")
    }
    note("\(session) got \(payload.number) of topic \(payload.source)")
    guard !server.isLenient else { return }
    let (topic, ordinal) = (payload.source, payload.number)
    guard ordinal < topics[topic].count,
      topics[topic].messages[ordinal].byteCount == payload.byteCount
    else { return report("a message of a topic was never published") }
    if topics[topic].messages[ordinal].isText != isText {
      report("a message of a topic has arrived as another kind")
    }
    guard let next = server.subscriptions[topic].next else {
      return report("a message of a topic that is not subscribed to")
    }
    guard ordinal >= next else { return report("a topic's message came again, or late") }
    if server.tellsGaps, ordinal > next {
      report("a client that counts takes message \(ordinal) of topic \(topic) for \(next)")
    }
    let subscription = server.subscriptions[topic]
    if ordinal < subscription.floor {
      report("a topic's message came behind what was sent after it")
    }
    if topics[topic].messages[ordinal].excluded === server { report("an excluded message came") }
    server.subscriptions[topic].missing += topics[topic].missing(next..<ordinal, for: server)
    server.subscriptions[topic].next = ordinal + 1
  }

  /// A handler is told of messages that are left out.
  func lagged(_ session: Session, _ topic: Int, _ gap: TopicGap) {
    note(
      "\(session) misses \(gap.skippedCount) + \(gap.conflatedCount) + \(gap.excludedCount)"
        + " of topic \(topic) before \(gap.nextPosition.ordinal)")
    checkIsOpen(session, "lagged")
    if gap.missedCount + gap.excludedCount <= 0 { report("lagged without a loss") }
    if topics[topic].closesLagging, gap.missedCount > 0 {
      report("lagged, although the policy is to close")
    }
    session.subscriptions[topic].reportedCount += gap.missedCount
  }

  /// A client is told where its topic goes on.
  func gapArrived(_ topic: Int, _ ordinal: Int, at server: Session) {
    guard !server.isLenient else { return }
    guard let next = server.subscriptions[topic].next,
      !server.subscriptions[topic].toldGaps.isEmpty,
      next <= ordinal, ordinal <= topics[topic].count
    else { return report("a gap in topic \(topic) up to \(ordinal) that cannot be") }
    let gap = server.subscriptions[topic].toldGaps.removeFirst()
    let missing = topics[topic].missing(next..<ordinal, for: server)
    if gap.nextPosition.ordinal != UInt64(ordinal) || gap.missedCount != missing.count
      || gap.excludedCount != ordinal - next - missing.count
    {
      report(
        "from \(next) to \(ordinal), \(missing.count) messages are missing, and \(gap) was told")
    }
    let supersededCount = missing.count { topics[topic].messages[$0].isSuperseded }
    if topics[topic].isConflatedByKey, gap.conflatedCount > supersededCount {
      report("messages of topic \(topic) are left out that are the newest of their keys")
    }
    server.subscriptions[topic].missing += missing
    server.subscriptions[topic].next = ordinal
  }

  /// What must hold of a subscription when nothing has been going on for a while.
  func checkSubscription(_ topic: Int, of server: Session) {
    let subscription = server.subscriptions[topic]
    guard subscription.isWanted, !subscription.isInexact else { return }
    guard let next = subscription.next else {
      return report("at rest, a subscription has not begun")
    }
    let record = topics[topic]
    guard next <= record.count else { return }
    let missing = subscription.missing + record.missing(next..<record.count, for: server)
    guard subscription.reportedCount != missing.count else { return }
    report(
      "at rest, for the \(server), \(missing.count) messages of topic \(topic) are missing, and"
        + " \(subscription.reportedCount) were reported")
  }
}
