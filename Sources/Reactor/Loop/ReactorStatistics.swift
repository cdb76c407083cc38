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
  /// Bytes received.
  public var receivedByteCount: UInt64 = 0
  /// Bytes that the kernel has taken.
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

  /// All zero: what sums begin with.
  public init() {}

  /// The sum of two reactors' statistics.
  public static func + (one: ReactorStatistics, other: ReactorStatistics) -> ReactorStatistics {
    var sum = one
    for position in 0..<wordCount { sum[word: position] += other[word: position] }
    return sum
  }
}

/// All fields are `UInt64`, so what is done to each of them alike is done to a row of words: a new statistic is a new field
/// and nothing else.
extension ReactorStatistics {
  static var wordCount: Int { MemoryLayout<Self>.size / MemoryLayout<UInt64>.size }

  subscript(word position: Int) -> UInt64 {
    get {
      unsafe withUnsafeBytes(of: self) {
        unsafe $0.load(fromByteOffset: 8 * position, as: UInt64.self)
      }
    }
    set {
      unsafe withUnsafeMutableBytes(of: &self) {
        unsafe $0.storeBytes(of: newValue, toByteOffset: 8 * position, as: UInt64.self)
      }
    }
  }
}
