internal import Glibc
internal import Synchronization

/// How a connection's cursors move on: by references in its send queue, which bring the kernel the
/// bytes of the log itself; by copies, where something must come behind them; and back, when the
/// socket is full, so that who does not read keeps nothing in memory but its place in the log.
extension Reactor {
  /// Some messages of a subscription, that lie one behind the other in one segment.
  struct Piece {
    let segment: LogSegmentPointer
    let first: UInt64
    let end: UInt64

    var byteCount: Int { segment.offset(of: end) - segment.offset(of: first) }
    var start: UnsafeMutableRawPointer { unsafe segment.bytes + segment.offset(of: first) }
  }

  /// Larger messages have a segment of their own. What they leave behind when they were sent in part
  /// stays where it is; that of others would hold a segment that has much more in it.
  private static let copiedByteCountMax = TopicLog.copiedByteCountMax

  /// Bytes of its topics that a connection has not been sent, and that direct sends go behind: not
  /// what is still replayed to it from the past.
  func lagByteCount(of connection: ConnectionPointer) -> Int {
    var byteCount = 0
    forEachSubscription(of: connection) { index, shard in
      if !topics.value[index].isReplaying {
        skipToNewest(index, shard)
        byteCount += shard.byteCount(from: topics.value[index].cursor)
      }
    }
    return byteCount
  }

  /// Whether the handler has to be told of messages that are left out, before it is sent others.
  func hasGaps(_ connection: ConnectionPointer) -> Bool {
    var hasGap = false
    forEachSubscription(of: connection) { index, shard in
      let subscription = topics.value[index]
      if subscription.missedCount > 0 { hasGap = true }
      if subscription.policy == .newestOnly, subscription.cursor + 1 < shard.state.value.end {
        hasGap = true
      }
    }
    return hasGap
  }

  func hasTopicsToSend(_ connection: ConnectionPointer) -> Bool {
    guard connection.pointee.topicFlags.areTopicsSent else { return false }
    var hasMore = false
    forEachSubscription(of: connection) { index, shard in
      if topics.value[index].cursor < shard.state.value.end { hasMore = true }
    }
    return hasMore
  }

  /// Whether a connection is to be flushed again, since there is more to send, or the handler is to
  /// be told of a gap behind which there is nothing.
  func owesTopics(_ connection: ConnectionPointer) -> Bool {
    guard connection.pointee.topicFlags.areTopicsSent else { return false }
    var owes = false
    forEachSubscription(of: connection) { index, shard in
      let subscription = topics.value[index]
      if subscription.cursor < shard.state.value.end || subscription.missedCount > 0 { owes = true }
    }
    return owes
  }

  /// Puts what a connection's topics have for it into its queue, by reference, up to what one send
  /// takes. Nothing is in flight.
  func refer(_ connection: ConnectionPointer, _ handler: any ConnectionHandler) {
    guard connection.pointee.topicFlags.areTopicsSent, connection.pointee.lifecycle == .open
    else { return }
    announceGaps(connection, handler)
    guard connection.pointee.topicFlags.areTopicsSent, connection.pointee.lifecycle == .open
    else { return }
    var count = 0
    forEachSubscription(of: connection) { index, shard in
      while count < SendBatch.vectorCountMax,
        connection.pointee.queuedByteCount < SendBatch.byteCountMax,
        let piece = nextPiece(
          index, shard, SendBatch.byteCountMax - connection.pointee.queuedByteCount)
      {
        appendReference(to: piece, of: index, on: connection)
        count += 1
      }
    }
  }

  /// Puts what a connection's topics have for it into its queue, since `byteCount` bytes are to be
  /// sent to it directly, behind that: by reference, unless it is little, a send is in flight, or the next one is going to
  /// wait for room; then as a copy, as far as the queue may hold it. False: it may not, and nothing has happened.
  public func fold(_ connection: ConnectionPointer, before byteCount: Int) -> Bool {
    guard connection.pointee.topicFlags.areTopicsSent,
      connection.pointee.index != state.value.announcingIndex,
      hasTopicsToSend(connection)
    else { return true }
    let isWaiting = connection.pointee.flags.contains(.isSending) || isKnownFull(connection)
    if isWaiting {
      let waiting = lagByteCount(of: connection) + connection.pointee.queuedByteCount
      guard byteCount <= configuration.queue.byteCountMax - waiting else { return false }
    }
    let isFirst = !isBlocked(connection)
    markDirty(connection)
    forEachSubscription(of: connection) { index, shard in
      guard !topics.value[index].isReplaying else { return }
      if isFirst { skipToNewest(index, shard) }
      while let piece = nextPiece(index, shard, isWaiting ? 16 * 1024 : SendBatch.byteCountMax) {
        if isWaiting || !isFirst && piece.byteCount <= Self.copiedByteCountMax {
          let room = unsafe connection.reserve(piece.byteCount, pool: &state.value.pool)
          unsafe room.baseAddress?.copyMemory(from: piece.start, byteCount: piece.byteCount)
        } else {
          appendReference(to: piece, of: index, on: connection)
        }
      }
    }
    return true
  }

  /// Bytes of topics in a connection's queue that the kernel has not been offered yet. They say
  /// nothing about how fast the peer reads, and no limit counts them.
  func untriedTopicByteCount(of connection: ConnectionPointer) -> Int {
    guard isSubscribed(connection), !connection.pointee.flags.contains(.isSending) else { return 0 }
    return connection.referredByteCount
  }

  /// Whether something waits to be sent before anything else can be.
  func isBlocked(_ connection: ConnectionPointer) -> Bool {
    connection.pointee.queuedByteCount > 0 || connection.pointee.flags.contains(.isSending)
  }

  /// Whether the next send is going to wait until the peer reads, and what is queued until then.
  func isKnownFull(_ connection: ConnectionPointer) -> Bool {
    connection.pointee.queuedByteCount > 0 && backend.isFull(connection)
  }

  private func appendReference(
    to piece: Piece, of index: UInt32, on connection: ConnectionPointer
  ) {
    let chunk = unsafe state.value.pool.takeReference(
      to: piece.start, byteCount: piece.byteCount, in: piece.segment)
    unsafe chunk.pointee.subscription = index
    unsafe chunk.pointee.key = piece.first
    unsafe chunk.pointee.messageCount = UInt32(piece.end - piece.first)
    unsafe connection.append(chunk)
  }

  // MARK: Forwards

  func forEachSubscription(
    of connection: ConnectionPointer, _ body: (UInt32, TopicShard) -> Void
  ) {
    guard isSubscribed(connection) else { return }
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      let next = topics.value[index].next
      if let shard = shard(of: index) { body(index, shard) }
      index = next
    }
  }

  /// The next messages for a subscription, about so many bytes and at least one message; its cursor
  /// moves behind them.
  private func nextPiece(_ index: UInt32, _ shard: TopicShard, _ byteCountMax: Int) -> Piece? {
    let end = shard.state.value.end
    while case let cursor = topics.value[index].cursor, cursor < end {
      if isLeftOut(cursor, index, shard) {
        if !isExcluded(cursor, index, shard) {
          shard.log.counters.conflatedCount.add(1, ordering: .relaxed)
        }
        topics.value[index].cursor += 1
        continue
      }
      let segment = shard.segment(of: cursor)
      var stop = min(end, segment.next?.pointee.firstOrdinal ?? end)
      let start = segment.offset(of: cursor)
      if segment.offset(of: stop) - start > byteCountMax {
        stop = max(cursor + 1, segment.ordinal(atOrAfter: start + byteCountMax, below: stop))
      }
      if cursor < topics.value[index].excludedEnd || topics.value[index].policy == .newestPerKey {
        var next = cursor + 1
        while next < stop, !isLeftOut(next, index, shard) { next += 1 }
        stop = next
      }
      topics.value[index].cursor = stop
      return Piece(segment: segment, first: cursor, end: stop)
    }
    return nil
  }

  private func isLeftOut(_ ordinal: UInt64, _ index: UInt32, _ shard: TopicShard) -> Bool {
    isExcluded(ordinal, index, shard)
      || topics.value[index].policy == .newestPerKey && shard.isSuperseded(ordinal)
  }

  private func skipToNewest(_ index: UInt32, _ shard: TopicShard) {
    let subscription = topics.value[index]
    let end = shard.state.value.end
    guard subscription.policy == .newestOnly, subscription.cursor + 1 < end else { return }
    skip(index, to: end - 1, shard, isConflated: true)
  }

  /// Tells the handler what has not been sent, before the first message behind it. What the handler
  /// sends meanwhile comes before that, too.
  func announceGaps(_ connection: ConnectionPointer, _ handler: any ConnectionHandler) {
    var gaps: [(TopicLog, Int)] = []
    forEachSubscription(of: connection) { index, shard in
      skipToNewest(index, shard)
      let count = topics.value[index].missedCount
      guard count > 0 else { return }
      topics.value[index].missedCount = 0
      gaps.append((shard.log, Int(count)))
    }
    guard !gaps.isEmpty, state.value.announcingIndex == ConnectionRecord.noIndex else { return }
    state.value.announcingIndex = connection.pointee.index
    for (log, count) in gaps { handler.skipped(count, of: log, on: connection) }
    state.value.announcingIndex = ConnectionRecord.noIndex
  }

  // MARK: Backwards

  /// Takes references out of the queue of a connection whose socket is full, and moves its cursors
  /// back to where they point. Of the first message some bytes may have been sent: the rest of it
  /// stays, so that the queue is not empty and the kernel is asked to say when there is room.
  /// Nothing is in flight.
  func withdraw(_ connection: ConnectionPointer) {
    guard let first = unsafe connection.takeReferences() else {
      return settleReferences(connection)
    }
    // Else it has not been begun, and what stands before it is asked about.
    if unsafe connection.pointee.sendHead == nil { unsafe keepMessage(of: first, on: connection) }
    var next: SendChunkPointer? = unsafe first
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe takeBack(chunk)
      unsafe state.value.pool.giveBack(chunk)
    }
  }

  /// Moves a cursor back to a reference. What was left out behind it will be come to again, and
  /// must not be counted twice.
  private func takeBack(_ chunk: SendChunkPointer) {
    let index = unsafe chunk.pointee.subscription
    let ordinal = unsafe chunk.pointee.key
    let cursor = topics.value[index].cursor
    topics.value[index].cursor = min(cursor, ordinal)
    guard topics.value[index].policy == .newestPerKey, let shard = shard(of: index) else { return }
    if ordinal < cursor {
      let others = excludedCount(ordinal..<cursor, index, shard)
      shard.log.counters.conflatedCount.subtract(
        Int(cursor - ordinal - others), ordering: .relaxed)
    }
    unsafe shard.log.counters.conflatedCount.add(
      Int(chunk.pointee.messageCount), ordering: .relaxed)
  }

  /// Puts back into the queue what is left of the message that a reference has come to, and has the
  /// reference begin behind it.
  private func keepMessage(of chunk: SendChunkPointer, on connection: ConnectionPointer) {
    guard let source = unsafe chunk.pointee.source else { return }
    let segment = unsafe LogSegmentPointer(source)
    let content = unsafe chunk.content
    let start = unsafe content.baseAddress.unsafelyUnwrapped
    let offset = unsafe start - segment.bytes
    let end = unsafe chunk.pointee.key + UInt64(chunk.pointee.messageCount)
    // The message behind the one that this byte belongs to.
    let next = segment.ordinal(atOrAfter: offset + 1, below: end)
    let rest = segment.offset(of: next) - offset
    if rest <= Self.copiedByteCountMax {
      let room = unsafe connection.reserve(rest, pool: &state.value.pool)
      unsafe room.baseAddress?.copyMemory(from: start, byteCount: rest)
    } else {
      let kept = unsafe state.value.pool.takeReference(to: start, byteCount: rest, in: segment)
      unsafe connection.append(kept)
    }
    unsafe chunk.pointee.messageCount = UInt32(end - next)
    unsafe chunk.pointee.key = next
  }

  /// Something has been sent directly since: the references before it stay where they are. Only
  /// of little, that would hold much for it, is a copy made; of all, each slow subscriber would have
  /// one of its own.
  private func settleReferences(_ connection: ConnectionPointer) {
    guard connection.hasReferences else { return }
    var next = unsafe connection.takeQueue()
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe chunk.pointee.next = nil
      guard unsafe chunk.pointee.subscription != Subscription.none else {
        unsafe connection.append(chunk)
        continue
      }
      let content = unsafe chunk.content
      let held = unsafe chunk.pointee.source.map { unsafe LogSegmentPointer($0).pointee.capacity }
      guard content.count <= Self.copiedByteCountMax || 4 * content.count < held ?? 0 else {
        unsafe chunk.pointee.subscription = Subscription.none
        unsafe connection.append(chunk)
        continue
      }
      let room = unsafe connection.reserve(content.count, pool: &state.value.pool)
      unsafe room.copyMemory(from: UnsafeRawBufferPointer(content))
      unsafe state.value.pool.giveBack(chunk)
    }
  }
}

extension ConnectionPointer {
  /// Whether there are references to messages of topics in the queue.
  var hasReferences: Bool {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription != Subscription.none { return true }
      unsafe next = chunk.pointee.next
    }
    return false
  }

  /// Bytes of topics that the queue refers to, and may be withdrawn.
  var referredByteCount: Int {
    var byteCount = 0
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription != Subscription.none {
        byteCount += unsafe chunk.content.count
      }
      unsafe next = chunk.pointee.next
    }
    return byteCount
  }

  /// The oldest message of a subscription that the queue refers to.
  func firstReferred(of subscription: UInt32) -> UInt64? {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription == subscription { return unsafe chunk.pointee.key }
      unsafe next = chunk.pointee.next
    }
    return nil
  }

  /// Has references be sent as they are, without moving a cursor back any more.
  func disown(referencesOf subscription: UInt32) {
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next {
      if unsafe chunk.pointee.subscription == subscription {
        unsafe chunk.pointee.subscription = Subscription.none
      }
      unsafe next = chunk.pointee.next
    }
  }

  /// Takes the references to messages of topics off the end of the queue, linked. Nil: there are
  /// none, or something else stands behind one of them.
  func takeReferences() -> SendChunkPointer? {
    var last: SendChunkPointer?
    var next = unsafe pointee.sendHead
    while let chunk = unsafe next, unsafe chunk.pointee.subscription == Subscription.none {
      unsafe last = chunk
      unsafe next = chunk.pointee.next
    }
    let first = unsafe next
    var byteCount = 0
    while let chunk = unsafe next {
      guard unsafe chunk.pointee.subscription != Subscription.none else { return nil }
      byteCount += unsafe chunk.content.count
      unsafe next = chunk.pointee.next
    }
    guard let first = unsafe first else { return nil }
    pointee.queuedByteCount -= byteCount
    unsafe pointee.sendTail = last
    if let last = unsafe last {
      unsafe last.pointee.next = nil
    } else {
      unsafe pointee.sendHead = nil
    }
    return unsafe first
  }
}
