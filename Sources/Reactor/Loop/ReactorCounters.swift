internal import Synchronization

/// A reactor's statistics as other threads see them: stored once a pass by the owner, each by
/// itself, so a snapshot may mix two passes.
struct ReactorCounters: ~Copyable {
  private let connectionCount = Atomic<UInt64>(0)
  private let acceptedCount = Atomic<UInt64>(0)
  private let connectedCount = Atomic<UInt64>(0)
  private let refusedCount = Atomic<UInt64>(0)
  private let receivedByteCount = Atomic<UInt64>(0)
  private let sentByteCount = Atomic<UInt64>(0)
  private let receiveCount = Atomic<UInt64>(0)
  private let sendCount = Atomic<UInt64>(0)
  private let messageCount = Atomic<UInt64>(0)
  private let systemCallCount = Atomic<UInt64>(0)
  private let wakeCount = Atomic<UInt64>(0)
  private let postedCount = Atomic<UInt64>(0)
  private let starvedBufferCount = Atomic<UInt64>(0)
  private let queuedByteCount = Atomic<UInt64>(0)
  private let acceptFailureCount = Atomic<UInt64>(0)

  /// Connections that the reactor has or has been given: what an acceptor chooses the reactor by.
  let assignedCount = Atomic<Int>(0)
  /// When the pass began that the reactor is in, or was in before it went to sleep, by the monotonic
  /// clock. For whoever asks what it does.
  let passStartNanoseconds = Atomic<Int64>(MonotonicClock.nowNanoseconds())

  /// For how long the reactor has been in its pass, if it is in one. Any thread.
  var passNanoseconds: Int64 {
    MonotonicClock.nowNanoseconds() - passStartNanoseconds.load(ordering: .relaxed)
  }

  /// Owner only.
  func store(_ statistics: borrowing ReactorStatistics) {
    connectionCount.store(statistics.connectionCount, ordering: .relaxed)
    acceptedCount.store(statistics.acceptedCount, ordering: .relaxed)
    connectedCount.store(statistics.connectedCount, ordering: .relaxed)
    refusedCount.store(statistics.refusedCount, ordering: .relaxed)
    receivedByteCount.store(statistics.receivedByteCount, ordering: .relaxed)
    sentByteCount.store(statistics.sentByteCount, ordering: .relaxed)
    receiveCount.store(statistics.receiveCount, ordering: .relaxed)
    sendCount.store(statistics.sendCount, ordering: .relaxed)
    messageCount.store(statistics.messageCount, ordering: .relaxed)
    systemCallCount.store(statistics.systemCallCount, ordering: .relaxed)
    wakeCount.store(statistics.wakeCount, ordering: .relaxed)
    postedCount.store(statistics.postedCount, ordering: .relaxed)
    starvedBufferCount.store(statistics.starvedBufferCount, ordering: .relaxed)
    queuedByteCount.store(statistics.queuedByteCount, ordering: .relaxed)
    acceptFailureCount.store(statistics.acceptFailureCount, ordering: .relaxed)
  }

  func load() -> ReactorStatistics {
    var statistics = ReactorStatistics()
    statistics.connectionCount = connectionCount.load(ordering: .relaxed)
    statistics.acceptedCount = acceptedCount.load(ordering: .relaxed)
    statistics.connectedCount = connectedCount.load(ordering: .relaxed)
    statistics.refusedCount = refusedCount.load(ordering: .relaxed)
    statistics.receivedByteCount = receivedByteCount.load(ordering: .relaxed)
    statistics.sentByteCount = sentByteCount.load(ordering: .relaxed)
    statistics.receiveCount = receiveCount.load(ordering: .relaxed)
    statistics.sendCount = sendCount.load(ordering: .relaxed)
    statistics.messageCount = messageCount.load(ordering: .relaxed)
    statistics.systemCallCount = systemCallCount.load(ordering: .relaxed)
    statistics.wakeCount = wakeCount.load(ordering: .relaxed)
    statistics.postedCount = postedCount.load(ordering: .relaxed)
    statistics.starvedBufferCount = starvedBufferCount.load(ordering: .relaxed)
    statistics.queuedByteCount = queuedByteCount.load(ordering: .relaxed)
    statistics.acceptFailureCount = acceptFailureCount.load(ordering: .relaxed)
    return statistics
  }
}
