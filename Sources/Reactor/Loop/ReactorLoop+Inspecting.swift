/// What a test of a whole reactor looks at between two parts of a pass. On the reactor's own thread.
extension ReactorLoop {
  /// Whether something that other threads have posted has not been looked at.
  package var hasPosted: Bool { hasTakenPosts || !reactor.port.pointee.mailbox.isEmpty }

  /// Whether something is out of the mailbox and has not been looked at.
  package var hasTakenPosts: Bool { unsafe state.value.taken != nil }

  /// Whether an open connection's queue refers to bytes of topics' logs that could go back there.
  package func refersToTopics(connectionAt index: UInt32) -> Bool {
    let connection = reactor.slab.record(at: index)
    return connection.pointee.lifecycle == .open && connection.hasReferences
  }

  /// What is counted or kept for connections and posts: nothing once a reactor has ended.
  package var leftovers: ReactorLeftovers {
    ReactorLeftovers(
      hasDeadline: state.value.wheel.ticksToNext != nil,
      connectionCount: Int(truncatingIfNeeded: state.value.statistics.connectionCount),
      queuedByteCount: Int(truncatingIfNeeded: state.value.statistics.queuedByteCount),
      ownPostCount: state.value.ownPostCount, assignedCount: reactor.assignedCount)
  }

  /// Bytes of a topic's log that are held for this reactor's subscribers: from the oldest message that one of them may
  /// still be sent to the end.
  package func heldByteCount(of log: TopicLog) -> Int {
    let topics = reactor.topics
    guard let index = topics.value.shardByLog[ObjectIdentifier(log)],
      let first = topics.value.shards[Int(index)]?.state.value.first
    else { return 0 }
    var last = first
    while let next = last.next { last = next }
    return Int(last.pointee.firstByte - first.pointee.firstByte) + last.fill.byteCount
  }

  /// The descriptor of an open connection. Nil: the connection is not this reactor's, or closes.
  package func descriptor(of connection: ConnectionID) -> Int32? {
    guard let record = reactor.connection(connection) else { return nil }
    let state = record.pointee.lifecycle
    return state == .closing || state == .free ? nil : record.pointee.descriptor
  }
}

package struct ReactorLeftovers {
  package let hasDeadline: Bool
  package let connectionCount: Int
  package let queuedByteCount: Int
  package let ownPostCount: Int
  package let assignedCount: Int
}
