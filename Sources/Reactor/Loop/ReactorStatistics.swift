internal import Synchronization

/// What a reactor has done since it was started, and what it holds now.
public struct ReactorStatistics: Sendable, Equatable {
  /// Connections open now.
  public var connectionCount: UInt64 = 0
  /// Connections accepted.
  public var acceptedCount: UInt64 = 0
  /// Connections made from this end.
  public var connectedCount: UInt64 = 0
  /// Connections closed at once, since there was no room for them.
  public var refusedCount: UInt64 = 0
  public var receivedByteCount: UInt64 = 0
  public var sentByteCount: UInt64 = 0
  /// Deliveries of received bytes to the handler.
  public var receiveCount: UInt64 = 0
  /// Sends started.
  public var sendCount: UInt64 = 0
  /// Whole messages received, as the handler counts them.
  public var messageCount: UInt64 = 0
  /// System calls made by the backend, and to accept and wake.
  public var systemCallCount: UInt64 = 0
  /// Passes of the loop, each with one wait.
  public var wakeCount: UInt64 = 0
  /// Chunks and jobs posted by other threads and taken in.
  public var postedCount: UInt64 = 0
  /// Times that a receive found no buffer (ENOBUFS).
  public var starvedBufferCount: UInt64 = 0
  /// Bytes that wait in send queues now.
  public var queuedByteCount: UInt64 = 0
  /// Times that accepting had to stop for want of descriptors or memory.
  public var acceptFailureCount: UInt64 = 0

  public init() {}

  /// The sum of two reactors' statistics.
  public static func + (one: ReactorStatistics, other: ReactorStatistics) -> ReactorStatistics {
    var sum = ReactorStatistics()
    sum.connectionCount = one.connectionCount + other.connectionCount
    sum.acceptedCount = one.acceptedCount + other.acceptedCount
    sum.connectedCount = one.connectedCount + other.connectedCount
    sum.refusedCount = one.refusedCount + other.refusedCount
    sum.receivedByteCount = one.receivedByteCount + other.receivedByteCount
    sum.sentByteCount = one.sentByteCount + other.sentByteCount
    sum.receiveCount = one.receiveCount + other.receiveCount
    sum.sendCount = one.sendCount + other.sendCount
    sum.messageCount = one.messageCount + other.messageCount
    sum.systemCallCount = one.systemCallCount + other.systemCallCount
    sum.wakeCount = one.wakeCount + other.wakeCount
    sum.postedCount = one.postedCount + other.postedCount
    sum.starvedBufferCount = one.starvedBufferCount + other.starvedBufferCount
    sum.queuedByteCount = one.queuedByteCount + other.queuedByteCount
    sum.acceptFailureCount = one.acceptFailureCount + other.acceptFailureCount
    return sum
  }
}
