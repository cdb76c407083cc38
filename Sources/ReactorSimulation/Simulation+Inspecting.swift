package import Reactor

/// What a model looks at, and nothing else knows.
extension Simulation {
  /// Bytes of a topic's log that are held for subscribers, on the reactor that holds most of them.
  package func heldByteCount(of log: TopicLog) -> Int {
    reactors.reduce(0) { $1.isDone ? $0 : max($0, $1.loop.heldByteCount(of: log)) }
  }

  /// Bytes that the kernel has taken of what a connection sends. Nil: its socket has gone.
  package func sentByteCount(of connection: ConnectionID) -> Int? {
    for reactor in reactors where !reactor.isDone {
      guard let descriptor = reactor.loop.descriptor(of: connection) else { continue }
      return simulatedSocket(descriptor)?.output?.takenCount
    }
    return nil
  }
}
