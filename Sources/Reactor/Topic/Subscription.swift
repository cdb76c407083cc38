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
  /// The connection's next subscription. If it has many: where this one stands in
  /// `ManySubscriptions.pending`; none: it does not.
  var next = Subscription.none
  /// What the policy allows: bytes.
  var byteCountMax: UInt32
  /// Messages right before the cursor that are left out, and of which the handler has not been told.
  var untold = LeftOut()
  var policy: Policy
  /// Where the log ended when it began. Up to there, if it began in the past, it may lag as far as
  /// the log reaches.
  let replayEnd: UInt64

  var isReplaying: Bool { cursor < replayEnd }

  /// Messages that a subscriber is not sent, by the reason.
  struct LeftOut: BitwiseCopyable {
    private(set) var skippedCount: UInt32 = 0
    private(set) var conflatedCount: UInt32 = 0
    private(set) var excludedCount: UInt32 = 0

    var isEmpty: Bool { skippedCount | conflatedCount | excludedCount == 0 }

    /// Beyond 32 bits they stay at what those hold.
    mutating func add(
      skippedCount: UInt64 = 0, conflatedCount: UInt64 = 0, excludedCount: UInt64 = 0
    ) {
      self.skippedCount = UInt32(clamping: UInt64(self.skippedCount) + skippedCount)
      self.conflatedCount = UInt32(clamping: UInt64(self.conflatedCount) + conflatedCount)
      self.excludedCount = UInt32(clamping: UInt64(self.excludedCount) + excludedCount)
    }
  }

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
