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
}
