internal import Reactor

/// Messages of a topic that a connection is not sent, one behind the other: see
/// `ConnectionEvent.lagged`.
///
/// It is told whenever the next message of the topic that a connection is sent is not the one after
/// the last. So a client can know the position of every message by counting: it is told where the
/// subscription begins (`Subscribing.subscribed`); a message has the position that the client has
/// come to, which then counts up by one; and a gap sets it to `nextPosition`. For this, the handler
/// sends the position from `lagged`, and from no other place.
public struct TopicGap: Sendable {
  /// The topic whose messages are missing.
  public let topic: Topic
  /// Messages that are left out because the peer reads too slowly.
  public let skippedCount: Int
  /// Messages that are left out because newer ones take their place: under `LagPolicy.newestOnly`
  /// and `.newestPerKey`.
  public let conflatedCount: Int
  /// Messages that exclude the connection (`Topic.publish`), such as its own.
  public let excludedCount: Int
  /// The position of the next message of the topic that the connection is sent, which may have to be
  /// published yet; unless it is told of another gap before.
  public let nextPosition: TopicPosition

  /// Messages that the connection would have been sent if it had not lagged: 0 if it does not lag, and
  /// has only been excluded.
  public var missedCount: Int { skippedCount + conflatedCount }

  init(_ gap: LogGap, of topic: Topic) {
    self.topic = topic
    skippedCount = gap.skippedCount
    conflatedCount = gap.conflatedCount
    excludedCount = gap.excludedCount
    nextPosition = TopicPosition(ordinal: gap.nextOrdinal)
  }
}
