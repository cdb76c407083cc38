internal import Synchronization

/// Messages of a topic that a connection is not sent, up to the next one that it is.
public struct LogGap: Sendable, Equatable {
  /// Messages left out because the connection lagged too far behind.
  public let skippedCount: Int
  /// Messages left out because newer ones take their place.
  public let conflatedCount: Int
  /// Messages that are not for the connection.
  public let excludedCount: Int
  /// The ordinal of the next message that it is sent, if no other gap comes before.
  public let nextOrdinal: UInt64
}

/// How messages are left out, and how the handler is told of it: before the first message behind a
/// gap, and behind the last one before it, so that a client that counts is right.
extension Reactor {
  /// Whether the handler may have to be told of a gap before a connection is sent what its topics
  /// have for it. It looks at no message, since it is asked for each send: where messages may be left
  /// out, it takes them to be.
  func hasGaps(_ connection: ConnectionPointer) -> Bool {
    anyPending(of: connection) { index, shard in
      let subscription = topics.value[index]
      let end = shard.state.value.end
      if !subscription.untold.isEmpty { return true }
      if subscription.policy == .newestOnly { return subscription.cursor + 1 < end }
      if subscription.isReplaying || subscription.cursor >= end { return false }
      return subscription.cursor < subscription.excludedEnd
        || subscription.policy == .newestPerKey && subscription.cursor + 1 < end
    }
  }

  /// Tells the handler of gaps that have been passed. What the handler sends meanwhile comes before the
  /// first message behind the gap. Not from within a call of the handler.
  func announce(
    _ gaps: [UInt32], on connection: ConnectionPointer, _ handler: any ConnectionHandler
  ) {
    state.value.announcingIndex = connection.pointee.index
    for index in gaps { announceGap(of: index, on: connection, handler) }
    state.value.announcingIndex = ConnectionRecord.noIndex
  }

  private func announceGap(
    of index: UInt32, on connection: ConnectionPointer, _ handler: any ConnectionHandler
  ) {
    let untold = topics.value[index].untold
    // The handler may have ended this subscription when it was told of another gap.
    guard self.connection(of: index) == connection, !untold.isEmpty, let shard = shard(of: index)
    else { return }
    topics.value[index].untold = Subscription.LeftOut()
    let gap = LogGap(
      skippedCount: Int(untold.skippedCount), conflatedCount: Int(untold.conflatedCount),
      excludedCount: Int(untold.excludedCount), nextOrdinal: topics.value[index].cursor)
    handler.skipped(gap, of: shard.log, on: connection)
  }

  // MARK: Leaving out

  /// Whether the handler is to be told of a gap before a subscription goes on.
  func isAtGap(_ index: UInt32, _ shard: TopicShard) -> Bool {
    let cursor = topics.value[index].cursor
    return !topics.value[index].untold.isEmpty
      || cursor < shard.state.value.end && isLeftOut(cursor, index, shard)
  }

  func isLeftOut(_ ordinal: UInt64, _ index: UInt32, _ shard: TopicShard) -> Bool {
    isExcluded(ordinal, index, shard)
      || topics.value[index].policy == .newestPerKey && shard.isSuperseded(ordinal)
  }

  /// Moves a cursor to the end of the gap that it is at. The queue's references to the messages before
  /// stay there: the cursor does not go back over a gap, so that each message is told of once. False: it is
  /// at none.
  func passGap(_ index: UInt32, _ shard: TopicShard) -> Bool {
    passLeftOut(index, shard)
    return !topics.value[index].untold.isEmpty
  }

  private func passLeftOut(_ index: UInt32, _ shard: TopicShard) {
    let start = topics.value[index].cursor
    let end = shard.state.value.end
    var cursor = start
    var excludedCount: UInt64 = 0
    while cursor < end, isLeftOut(cursor, index, shard) {
      if isExcluded(cursor, index, shard) { excludedCount += 1 }
      cursor += 1
    }
    guard cursor > start else { return }
    let conflatedCount = cursor - start - excludedCount
    topics.value[index].cursor = cursor
    connection(of: index).disown(referencesOf: index)
    topics.value[index].untold.add(conflatedCount: conflatedCount, excludedCount: excludedCount)
    shard.log.counters.conflatedCount.add(Int(conflatedCount), ordering: .relaxed)
  }

  func skipToNewest(_ index: UInt32, _ shard: TopicShard) {
    let subscription = topics.value[index]
    let end = shard.state.value.end
    guard subscription.policy == .newestOnly, subscription.cursor + 1 < end else { return }
    skip(index, to: end - 1, shard, isConflated: true)
  }

  /// Moves a cursor on to a message, and leaves out all before it.
  func skip(_ index: UInt32, to target: UInt64, _ shard: TopicShard, isConflated: Bool) {
    let cursor = topics.value[index].cursor
    guard target > cursor else { return }
    let excludedCount = excludedCount(cursor..<target, index, shard)
    let count = target - cursor - excludedCount
    topics.value[index].cursor = target
    connection(of: index).disown(referencesOf: index)
    let counters = shard.log.counters
    if isConflated {
      topics.value[index].untold.add(conflatedCount: count, excludedCount: excludedCount)
      counters.conflatedCount.add(Int(count), ordering: .relaxed)
    } else {
      topics.value[index].untold.add(skippedCount: count, excludedCount: excludedCount)
      counters.skippedCount.add(Int(count), ordering: .relaxed)
    }
  }

  /// Whether a message is not for a subscriber.
  func isExcluded(_ ordinal: UInt64, _ index: UInt32, _ shard: TopicShard) -> Bool {
    guard ordinal < topics.value[index].excludedEnd else { return false }
    return shard.segment(of: ordinal).entry(of: ordinal).excluded == id(of: connection(of: index))
  }

  /// How many of some messages are not for a subscriber.
  private func excludedCount(
    _ ordinals: Range<UInt64>, _ index: UInt32, _ shard: TopicShard
  ) -> UInt64 {
    let end = min(ordinals.upperBound, topics.value[index].excludedEnd)
    var count: UInt64 = 0
    var ordinal = ordinals.lowerBound
    while ordinal < end {
      if isExcluded(ordinal, index, shard) { count += 1 }
      ordinal += 1
    }
    return count
  }
}
