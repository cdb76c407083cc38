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
  /// With so much in the queue, a gap waits for the next send: what is queued before it stays there,
  /// and is not to be much.
  private static let passedByteCountMax = 16 * 1024
  /// Of how many gaps, one behind the other, the handler is told before others get their turn.
  private static let announcedCountMax = 256

  /// Bytes of its topics that a connection has not been sent, and that direct sends go behind: not
  /// what is still replayed to it from the past.
  func lagByteCount(of connection: ConnectionPointer) -> Int {
    var byteCount = 0
    _ = anyPending(of: connection) { index, shard in
      if !topics.value[index].isReplaying {
        skipToNewest(index, shard)
        byteCount += shard.byteCount(from: topics.value[index].cursor)
      }
      return false
    }
    return byteCount
  }

  func hasTopicsToSend(_ connection: ConnectionPointer) -> Bool {
    guard connection.pointee.topicFlags.areTopicsSent else { return false }
    return anyPending(of: connection) { index, shard in
      topics.value[index].cursor < shard.state.value.end
    }
  }

  /// Whether a connection is to be flushed again, since there is more to send, or the handler is to
  /// be told of a gap behind which there is nothing.
  func owesTopics(_ connection: ConnectionPointer) -> Bool {
    guard connection.pointee.topicFlags.areTopicsSent else { return false }
    return anyPending(of: connection) { index, shard in
      let subscription = topics.value[index]
      return subscription.cursor < shard.state.value.end || !subscription.untold.isEmpty
    }
  }

  /// Puts what a connection's topics have for it into its queue, by reference, up to what one send
  /// takes, and tells the handler of each gap between. Nothing is in flight.
  func refer(_ connection: ConnectionPointer, _ handler: any ConnectionHandler) {
    var chunkCount = 0
    // A handler that subscribes anew whenever it is told of a gap may find the next gap at once: the
    // others get their turn.
    for _ in 0..<Self.announcedCountMax {
      // What the handler has sent when it was told of a gap may have filled the socket.
      guard connection.pointee.topicFlags.areTopicsSent, connection.pointee.lifecycle == .open,
        !connection.pointee.flags.contains(.isSending), !isKnownFull(connection)
      else { return }
      let gaps = referRuns(connection, &chunkCount)
      guard !gaps.isEmpty else { return }
      announce(gaps, on: connection, handler)
    }
  }

  /// Refers to messages up to the next gap of each topic. Returns the subscriptions whose gaps the
  /// handler is to be told of now.
  private func referRuns(_ connection: ConnectionPointer, _ chunkCount: inout Int) -> [UInt32] {
    var gaps: [UInt32] = []
    _ = anyPending(of: connection) { index, shard in
      skipToNewest(index, shard)
      while chunkCount < SendBatch.vectorCountMax,
        connection.pointee.queuedByteCount < SendBatch.byteCountMax,
        let piece = nextPiece(
          index, shard, SendBatch.byteCountMax - connection.pointee.queuedByteCount)
      {
        if piece.byteCount <= Self.copiedByteCountMax, isAtGap(index, shard) {
          // It would stay in the queue all the same, see `passGap`.
          copy(piece, to: connection)
        } else {
          appendReference(to: piece, of: index, on: connection)
          chunkCount += 1
        }
      }
      if chunkCount < SendBatch.vectorCountMax,
        connection.pointee.queuedByteCount < Self.passedByteCountMax, passGap(index, shard)
      {
        gaps.append(index)
      }
      return chunkCount >= SendBatch.vectorCountMax
        || connection.pointee.queuedByteCount >= SendBatch.byteCountMax
    }
    return gaps
  }

  /// Has a queue flushed that does not take so many bytes: before what topics have for the connection is folded in, since a
  /// full socket gives that back.
  public func makeRoomBehindTopics(_ byteCount: Int, of connection: ConnectionPointer) {
    guard !hasRoom(byteCount, on: connection) else { return }
    _ = unsafe releaseAll(flushNow(connection), .sent)
  }

  /// Under `dropOldest`, drops what must go from the queue for so many bytes to fit behind what topics have for the
  /// connection. False: nothing has been dropped.
  public func dropOldest(behindTopicsOf connection: ConnectionPointer, for byteCount: Int) -> Bool {
    let limits = configuration.queue
    let excess =
      byteCount - limits.byteCountMax + connection.pointee.queuedByteCount
      + lagByteCount(of: connection)
    guard limits.overflow == .dropOldest, excess > 0, connection.canDrop(excess) else {
      return false
    }
    return dropOldest(excess, on: connection) > 0
  }

  /// Puts what a connection's topics have for it into its queue, since `byteCount` bytes are to be
  /// sent to it directly, behind that: by reference, unless it is little, a send is in flight, or the next one is going to
  /// wait for room; then as a copy, as far as the queue may hold it. False: it may not, and nothing has happened.
  ///
  /// For what has come through the mailbox, the handler is told of gaps on the way. Else it may be in
  /// the middle of a call: then nothing is sent from a gap on (`mustPost`).
  public func fold(_ connection: ConnectionPointer, before byteCount: Int) -> Bool {
    guard connection.pointee.index != state.value.announcingIndex, owesTopics(connection) else {
      return true
    }
    let handler =
      connection.pointee.index == state.value.postedIndex ? Self.currentHandler : nil
    if handler != nil { judge(connection) }
    while true {
      let isWaiting = connection.pointee.flags.contains(.isSending) || isKnownFull(connection)
      if isWaiting {
        let waiting = lagByteCount(of: connection) + connection.pointee.queuedByteCount
        guard byteCount <= configuration.queue.byteCountMax - waiting else { return false }
      }
      let copiedByteCountMax =
        isWaiting ? Int.max : isBlocked(connection) ? Self.copiedByteCountMax : 0
      markDirty(connection)
      let gaps = foldRuns(connection, copiedByteCountMax, passesGaps: handler != nil)
      guard !gaps.isEmpty, let handler else { return true }
      announce(gaps, on: connection, handler)
      // The handler may have ended it, or begun a message in fragments.
      guard connection.pointee.topicFlags.areTopicsSent, connection.pointee.lifecycle == .open
      else { return true }
    }
  }

  /// Folds messages up to the next gap of each topic. Returns the subscriptions whose gaps the handler
  /// is to be told of now.
  private func foldRuns(
    _ connection: ConnectionPointer, _ copiedByteCountMax: Int, passesGaps: Bool
  ) -> [UInt32] {
    let byteCountMax = copiedByteCountMax == .max ? 16 * 1024 : SendBatch.byteCountMax
    var gaps: [UInt32] = []
    _ = anyPending(of: connection) { index, shard in
      guard !topics.value[index].isReplaying else { return false }
      skipToNewest(index, shard)
      while let piece = nextPiece(index, shard, byteCountMax) {
        if piece.byteCount <= copiedByteCountMax {
          copy(piece, to: connection)
        } else {
          appendReference(to: piece, of: index, on: connection)
        }
      }
      if passesGaps, passGap(index, shard) { gaps.append(index) }
      return false
    }
    return gaps
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
    unsafe chunk.pointee.firstOrdinal = piece.first
    unsafe chunk.pointee.messageCount = UInt32(piece.end - piece.first)
    unsafe connection.append(chunk)
  }

  private func copy(_ piece: Piece, to connection: ConnectionPointer) {
    let room = unsafe connection.reserve(piece.byteCount, pool: &state.value.pool)
    unsafe room.baseAddress?.copyMemory(from: piece.start, byteCount: piece.byteCount)
  }

  // MARK: Forwards

  /// The next messages for a subscription, about so many bytes and at least one message; its cursor
  /// moves behind them. Nil: there are none, or it is at a gap.
  private func nextPiece(_ index: UInt32, _ shard: TopicShard, _ byteCountMax: Int) -> Piece? {
    let end = shard.state.value.end
    let cursor = topics.value[index].cursor
    guard cursor < end, !isAtGap(index, shard) else { return nil }
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
    var next: OutboundChunkPointer? = unsafe first
    while let chunk = unsafe next {
      unsafe next = chunk.pointee.next
      unsafe takeBack(chunk)
      unsafe state.value.pool.giveBack(chunk)
    }
  }

  /// Moves a cursor back to a reference: never over a gap, see `passGap`.
  private func takeBack(_ chunk: OutboundChunkPointer) {
    let index = unsafe chunk.pointee.subscription
    let cursor = topics.value[index].cursor
    unsafe topics.value[index].cursor = min(cursor, chunk.pointee.firstOrdinal)
    notePending(index)
  }

  /// Puts back into the queue what is left of the message that a reference has come to, and has the
  /// reference begin behind it.
  private func keepMessage(of chunk: OutboundChunkPointer, on connection: ConnectionPointer) {
    guard let segment = unsafe chunk.pointee.owner?.segment else { return }
    let content = unsafe chunk.content
    let start = unsafe content.baseAddress.unsafelyUnwrapped
    let offset = unsafe start - segment.bytes
    let end = unsafe chunk.pointee.firstOrdinal + UInt64(chunk.pointee.messageCount)
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
    unsafe chunk.pointee.firstOrdinal = next
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
      let held = unsafe chunk.pointee.owner?.segment.pointee.capacity
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
