internal import Synchronization

/// How much of a topic's log is kept, and what happens to subscribers that read too slowly.
public struct TopicLimits: Sendable, Equatable {
  /// Bytes kept for those who subscribe from a position in the past, 24 bytes for each message
  /// included. Whole segments are let go of, so it may be up to a quarter less, and the last
  /// segment stays. 0: nothing but what a subscriber still has to be sent.
  public var historyByteCount: Int
  /// How long messages are kept for them at most, looked at when another one is published. Nil: no
  /// matter how old.
  public var historyMilliseconds: Int?
  /// For subscriptions that have no policy of their own.
  public var lag: LagPolicy

  /// By default nothing is kept for later subscribers, and one that lags by more than 1 MiB is closed.
  public init(
    historyByteCount: Int = 0, historyMilliseconds: Int? = nil,
    lag: LagPolicy = .close(beyondByteCount: 1 << 20)
  ) {
    self.historyByteCount = historyByteCount
    self.historyMilliseconds = historyMilliseconds
    self.lag = lag
  }
}

/// What happens to a subscriber that reads more slowly than is published.
///
/// Its lag is what lies between its cursor and the end of the log, in bytes. It costs no memory of
/// its own. Limits are those of memory as well: up to so much of the log is kept for the slowest.
public enum LagPolicy: Sendable, Equatable {
  /// Beyond so many bytes the connection is closed, with 1013.
  case close(beyondByteCount: Int)
  /// Beyond so many bytes it is not sent the oldest.
  case skipOldest(beyondByteCount: Int)
  /// It is only ever sent the newest message.
  case newestOnly
  /// As soon as it lags, it is sent of messages with the same key only the newest. Those without a key
  /// are all different. Beyond so many bytes, superseded messages included, it is not sent the oldest,
  /// even if one is the only one of its key: the limit should hold what is published while a peer may
  /// be slow. After a `TopicGap.skippedCount` above 0, send it the state as a whole.
  case newestPerKey(beyondByteCount: Int)

  /// Bytes; clamped to what a subscription can note.
  var byteCountMax: UInt32 {
    switch self {
    case .close(let count), .skipOldest(let count), .newestPerKey(let count):
      UInt32(clamping: count)
    case .newestOnly: 0
    }
  }
}

/// What has become of a topic's messages. Each is counted by itself, and may be read by any thread.
public final class TopicCounters: Sendable {
  let publishedCount = Atomic<Int>(0)
  let publishedByteCount = Atomic<Int>(0)
  let skippedCount = Atomic<Int>(0)
  let conflatedCount = Atomic<Int>(0)
  let closedCount = Atomic<Int>(0)

  /// Messages and bytes that have been published.
  public var published: (messageCount: Int, byteCount: Int) {
    (
      publishedCount.load(ordering: .relaxed), publishedByteCount.load(ordering: .relaxed)
    )
  }
  /// Messages that subscribers were not sent because they lagged too far behind.
  public var skipped: Int { skippedCount.load(ordering: .relaxed) }
  /// Messages that subscribers were not sent because newer ones took their place.
  public var conflated: Int { conflatedCount.load(ordering: .relaxed) }
  /// Subscribers that were closed because they lagged too far behind.
  public var closed: Int { closedCount.load(ordering: .relaxed) }
}
