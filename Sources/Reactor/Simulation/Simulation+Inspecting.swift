/// What a model looks at, and nothing else knows.
extension Simulation {
  /// Bytes of a topic's log that are held for subscribers, on the reactor that holds most of them:
  /// from the oldest message that one of them may still be sent to the end.
  package func heldByteCount(of log: TopicLog) -> Int {
    var most = 0
    for reactor in reactors where !reactor.isDone {
      let topics = reactor.loop.reactor.topics
      guard let index = topics.value.shardByLog[ObjectIdentifier(log)],
        let first = topics.value.shards[Int(index)]?.state.value.first
      else { continue }
      var last = first
      while let next = last.next { last = next }
      let byteCount = Int(last.pointee.firstByte - first.pointee.firstByte) + last.fill.byteCount
      most = max(most, byteCount)
    }
    return most
  }

  /// Bytes that the kernel has taken of what a connection sends. Nil: its socket has gone.
  package func sentByteCount(of connection: ConnectionID) -> Int? {
    for reactor in reactors where !reactor.isDone {
      guard let record = reactor.loop.reactor.connection(connection) else { continue }
      let state = record.pointee.lifecycle
      guard state != .closing, state != .free else { return nil }
      return socket(record.pointee.descriptor)?.output?.takenCount
    }
    return nil
  }
}
