/// A cursor: how far a connection has been sent a topic. Of the connection's reactor only.
///
/// There may be millions, so it has 56 bytes: it names its connection by a 32-bit index, and the policy
/// lies in the two bits of an ordinal that are never set.
struct Subscription: BitwiseCopyable {
  /// No subscription.
  static let none = UInt32.max

  /// The next message that it is to be sent; all before it have been sent, or lie in the
  /// connection's send queue, or are never sent.
  var cursor: UInt64
  /// Behind the last message that excludes the connection. Which others do is in their entries.
  var excludedEnd: UInt64 = 0
  /// `replayEnd`, and in the highest two bits the policy.
  private let replayEndAndPolicy: UInt64
  /// Its connection's index in the reactor's slab.
  let connectionIndex: UInt32
  /// Whose log it is: a position in `ReactorTopics.shards`. Free: the next free subscription.
  var shard: UInt32
  /// Where it stands in the shard's list.
  var position: UInt32 = 0
  /// The connection's next subscription. If it has many: where this one stands in
  /// `ManySubscriptions.pending`; none: it does not.
  var next = Subscription.none
  /// What the policy allows: bytes.
  let byteCountMax: UInt32
  /// Messages right before the cursor that are left out, and of which the handler has not been told.
  var untold = LeftOut()

  /// Ordinals begin at 0 and count messages: none has more bits.
  private static var ordinalBits: UInt64 { 62 }

  init(
    of connection: ConnectionPointer, cursor: UInt64, replayEnd: UInt64, shard: UInt32,
    position: UInt32, _ policy: LagPolicy
  ) {
    self.cursor = cursor
    replayEndAndPolicy = replayEnd | UInt64(Policy(policy).rawValue) << Self.ordinalBits
    connectionIndex = connection.pointee.index
    self.shard = shard
    self.position = position
    byteCountMax = policy.byteCountMax
  }

  var policy: Policy {
    // The initializer stored one of the four.
    Policy(rawValue: UInt8(replayEndAndPolicy >> Self.ordinalBits)) ?? .close
  }

  /// Where the log ended when it began. Up to there, if it began in the past, it may lag as far as
  /// the log reaches.
  var replayEnd: UInt64 { replayEndAndPolicy & (1 << Self.ordinalBits - 1) }

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
