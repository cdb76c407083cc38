import WebSocket

/// What the server is doing.
struct Figures {
  let backend: BackendKind
  /// Of each reactor.
  let connectionCounts: [UInt64]
  let receivedPerSecond: UInt64
  let publishedPerSecond: UInt64
  let systemCallsPerSecond: UInt64
  /// In the chat room.
  let visitorCount: UInt64
}

/// Makes rates of counts that only grow.
struct Meter {
  private var last = ReactorStatistics()
  private var lastPublishedCount: UInt64 = 0
  private var lastMoment = ContinuousClock.now

  mutating func read(_ server: Server, publishedCount: UInt64, visitorCount: Int) -> Figures {
    let statistics = server.statistics
    let sum = statistics.reduce(ReactorStatistics(), +)
    let now = ContinuousClock.now
    let seconds = (now - lastMoment) / .seconds(1)
    func rate(_ count: UInt64, since last: UInt64) -> UInt64 {
      UInt64((Double(count - min(count, last)) / max(seconds, 0.001)).rounded())
    }
    defer { (last, lastPublishedCount, lastMoment) = (sum, publishedCount, now) }
    return Figures(
      backend: server.backend,
      connectionCounts: statistics.map(\.connectionCount),
      receivedPerSecond: rate(sum.messageCount, since: last.messageCount),
      publishedPerSecond: rate(publishedCount, since: lastPublishedCount),
      systemCallsPerSecond: rate(sum.systemCallCount, since: last.systemCallCount),
      visitorCount: UInt64(max(0, visitorCount)))
  }
}
