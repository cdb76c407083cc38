public import Reactor
public import WebSocketProtocol

/// A topic: what is published here is sent to all connections that have subscribed, in one order
/// for all of them.
///
/// A message is encoded once and kept once, however many get it; a subscriber is a place in the log
/// of messages. To be kept: publishing through it costs no look-up. Everything may be called from
/// any thread and never blocks, except that publishers of one topic copy their messages, of up to
/// 8 KiB, one after the other.
///
/// What a handler publishes, what it sends directly to a connection of its own reactor, and what it
/// subscribes and unsubscribes there takes effect in its order. Between what another thread publishes
/// and what it sends directly to a connection there is no order.
public final class Topic: TopicLog, @unchecked Sendable {
  /// Any bytes.
  public let name: [UInt8]
  /// What it was made with. Any thread.
  public let options: TopicOptions
  /// Weak: the registry holds the topics that are to stay, and they go with it.
  private weak let registry: TopicRegistry?

  init(name: [UInt8], options: TopicOptions, registry: TopicRegistry) {
    self.name = name
    self.options = options
    self.registry = registry
    super.init(limits: options.limits)
  }

  deinit {
    registry?.removeIfGone(name)
  }

  /// The name as text. What is no UTF-8 is replaced by U+FFFD.
  public var nameText: String { String(decoding: name, as: UTF8.self) }

  /// Where the next message will stand.
  public var endPosition: TopicPosition { TopicPosition(ordinal: endOrdinal) }

  /// What has become of its messages so far. Any thread; the counters may be from different moments.
  public var statistics: TopicStatistics { TopicStatistics(self) }

  /// Publishes a text message.
  ///
  /// - Parameters:
  ///   - text: the message.
  ///   - key: of messages with the same key, subscribers with `LagPolicy.newestPerKey` are sent
  ///     only the newest; 0: none.
  ///   - excluded: who is not sent it, such as its sender. If it is subscribed, its handler is told
  ///     of a gap instead (`TopicGap.excludedCount`).
  /// - Returns: where it stands in the topic.
  @discardableResult
  public func publish(
    _ text: String, key: UInt64 = 0, excluding excluded: Connection? = nil
  ) -> TopicPosition {
    unsafe publish(text.utf8.span.bytes, as: .text, key: key, excluding: excluded)
  }

  /// Publishes a binary message. See `publish(_:key:excluding:)`.
  @discardableResult
  public func publish(
    _ bytes: [UInt8], key: UInt64 = 0, excluding excluded: Connection? = nil
  ) -> TopicPosition {
    unsafe publish(bytes.span.bytes, as: .binary, key: key, excluding: excluded)
  }

  /// Publishes a message that has arrived, with its kind.
  @discardableResult
  public func publish(
    _ message: borrowing IncomingMessage, key: UInt64 = 0, excluding excluded: Connection? = nil
  ) -> TopicPosition {
    publish(message.bytes, as: message.kind, key: key, excluding: excluded)
  }

  /// Publishes a message, which leaves in one frame, however long it is. Bytes published as text must be UTF-8, or peers will fail their
  /// connections.
  /// - Precondition: it is shorter than 4 GiB.
  @discardableResult
  public func publish(
    _ bytes: RawSpan, as kind: Message.Kind, key: UInt64 = 0,
    excluding excluded: Connection? = nil
  ) -> TopicPosition {
    let byteCount = FrameEncoder.byteCount(payloadByteCount: bytes.byteCount, isMasked: false)
    let ordinal = unsafe append(byteCount, key: key, excluding: excluded?.id) { memory in
      unsafe Engine.encode(kind.opcode, bytes, .message, into: memory)
    }
    return TopicPosition(ordinal: ordinal)
  }
}

/// Where a message stands in its topic: how many came before it. A client that is told where it
/// begins, and of each gap, can count on by itself: see `TopicGap`.
public struct TopicPosition: Sendable, Hashable, Comparable {
  /// Counts a topic's messages from 0.
  public let ordinal: UInt64

  /// The position of the message with this ordinal, of whatever topic.
  public init(ordinal: UInt64) {
    self.ordinal = ordinal
  }

  /// Whether one message was published before the other, of the same topic.
  public static func < (one: Self, other: Self) -> Bool { one.ordinal < other.ordinal }
}

/// What a topic keeps, and for whom.
public struct TopicOptions: Sendable, Equatable {
  /// How much of the log is kept, and what happens to slow subscribers.
  public var limits: TopicLimits
  /// Whether the topic stays when nobody holds it and nobody is subscribed. Otherwise it goes then,
  /// and what it kept goes with it.
  public var isKept: Bool

  /// By default nothing is kept for later subscribers, one that lags by more than 1 MiB is closed, and the topic goes with
  /// the last subscriber.
  public init(
    historyByteCount: Int = 0, historyMilliseconds: Int? = nil,
    lag: LagPolicy = .close(beyondByteCount: 1 << 20), isKept: Bool = false
  ) {
    limits = TopicLimits(
      historyByteCount: historyByteCount, historyMilliseconds: historyMilliseconds, lag: lag)
    self.isKept = isKept
  }
}

/// What a topic has done. Each figure is read by itself.
public struct TopicStatistics: Sendable, Equatable {
  /// Connections that are subscribed, those on their way to their reactors included.
  public let subscriberCount: Int
  /// Messages published, those without a subscriber included.
  public let publishedCount: Int
  /// Bytes of their frames.
  public let publishedByteCount: Int
  /// Messages that were not sent to a subscriber because it lagged too far behind, for each one.
  public let skippedCount: Int
  /// Messages that were not sent to a subscriber because newer ones took their place, for each one.
  public let conflatedCount: Int
  /// Subscribers that were closed because they lagged too far behind.
  public let closedCount: Int
  /// Bytes kept for those who subscribe later.
  public let keptByteCount: Int

  init(_ log: TopicLog) {
    subscriberCount = log.subscriberCount
    (publishedCount, publishedByteCount) = log.counters.published
    skippedCount = log.counters.skipped
    conflatedCount = log.counters.conflated
    closedCount = log.counters.closed
    keptByteCount = log.keptByteCount
  }
}
