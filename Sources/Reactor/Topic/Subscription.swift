/// A cursor: how far a connection has been sent a topic. Of the connection's reactor only.
@safe struct Subscription: BitwiseCopyable {
  /// No subscription.
  static let none = UInt32.max

  var connection: ConnectionPointer
  /// The next message that it is to be sent; all before it have been sent, or lie in the
  /// connection's send queue, or are never sent.
  var cursor: UInt64
  /// Behind the last message that excludes the connection. Which others do is in their entries.
  var excludedEnd: UInt64 = 0
  /// Whose log it is: a position in `ReactorTopics.shards`. Free: the next free subscription.
  var shard: UInt32
  /// Where it stands in the shard's list.
  var position: UInt32 = 0
  /// The connection's next subscription.
  var next = Subscription.none
  /// What the policy allows: bytes.
  var byteCountMax: UInt32
  /// Messages that it has not been sent, of which its connection has not been told.
  var missedCount: UInt32 = 0
  var policy: Policy
  /// Where the log ended when it began. Up to there, if it began in the past, it may lag as far as
  /// the log reaches.
  let replayEnd: UInt64

  var isReplaying: Bool { cursor < replayEnd }

  enum Policy: UInt8 {
    case close, skipOldest, newestOnly, newestPerKey

    init(_ policy: LagPolicy) {
      self =
        switch policy {
        case .close: .close
        case .skipOldest: .skipOldest
        case .newestOnly: .newestOnly
        case .newestPerKey: .newestPerKey
        }
    }
  }
}
