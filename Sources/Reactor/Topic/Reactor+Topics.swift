internal import Synchronization

/// How messages of topics come to their subscribers.
extension Reactor {
  /// Takes the mark of a message: all before it can be sent.
  func takeMark(of log: TopicLog, _ end: UInt64) {
    guard topics.value.shardByLog[ObjectIdentifier(log)] != nil || log.hasLink(number) else {
      return
    }
    let (index, shard) = topics.value.shard(of: log)
    // Publishers post their marks one by one: a later one may have come first.
    guard end > shard.state.value.end else { return }
    let before = shard.state.value.end
    shard.state.value.end = end
    guard !shard.state.value.subscriptions.isEmpty else { return }
    scan(shard, from: before, to: end)
    topics.value.note(index, shard)
  }

  /// Looks for messages that single subscribers are not to get, and for the newest of each key.
  func scan(_ shard: TopicShard, from: UInt64, to end: UInt64) {
    guard let first = shard.state.value.first else { return }
    var ordinal = max(from, first.pointee.firstOrdinal)
    while ordinal < end {
      let segment = shard.segment(of: ordinal)
      let stop = min(end, segment.next?.pointee.firstOrdinal ?? end)
      guard segment.pointee.isSpecial.load(ordering: .relaxed) else {
        ordinal = stop
        continue
      }
      while ordinal < stop {
        let entry = segment.entry(of: ordinal)
        if let excluded = entry.excluded { exclude(excluded, ordinal, shard) }
        if entry.key != 0, shard.state.value.isKeyed {
          let newest = shard.state.value.newestByKey[entry.key] ?? 0
          shard.state.value.newestByKey[entry.key] = max(newest, ordinal)
        }
        ordinal += 1
      }
    }
  }

  private func exclude(_ excluded: ConnectionID, _ ordinal: UInt64, _ shard: TopicShard) {
    guard let connection = connection(excluded), let index = find(shard.log, of: connection) else {
      return
    }
    topics.value[index].excludedEnd = max(topics.value[index].excludedEnd, ordinal + 1)
  }

  // MARK: Offering

  /// Whether what marks have told of is to be sent to very many.
  var offersMuch: Bool {
    var count = 0
    for index in topics.value.dirty {
      count += topics.value.shards[Int(index)]?.state.value.subscriptions.count ?? 0
    }
    return count >= 256
  }

  /// Has all connections flushed that can be sent something new, and looks at those that cannot.
  /// Once a pass.
  func offerTopics(_ handler: any ConnectionHandler) {
    // Each stays in the list until then: a connection that ends here is sent what the others have.
    let count = topics.value.dirty.count
    guard count > 0 else { return }
    for position in 0..<count {
      let index = topics.value.dirty[position]
      guard let shard = topics.value.shards[Int(index)], shard.state.value.isDirty else { continue }
      shard.state.value.isDirty = false
      offer(shard, handler)
      if !shard.state.value.isLagging {
        shard.state.value.isLagging = true
        topics.value.lagging.append(index)
      }
    }
    topics.value.removeDirty(count)
  }

  /// Lets go of what all have been sent, and forgets topics that nobody has subscribed to. Now and
  /// then.
  func settleTopics(_ handler: any ConnectionHandler) {
    let lagging = topics.value.lagging
    var compacting: Set<UInt32> = []
    topics.value.lagging.removeAll(keepingCapacity: true)
    // A place that topics have come to and gone from stands here once for each of them.
    for index in lagging {
      guard let shard = topics.value.shards[Int(index)], shard.state.value.isLagging else {
        continue
      }
      shard.state.value.isLagging = false
      offer(shard, handler)
      if shard.log.compact() { compacting.insert(index) }
    }
    for index in lagging {
      guard let shard = topics.value.shards[Int(index)], !shard.state.value.isLagging,
        shard.state.value.first?.next != nil || shard.state.value.subscriptions.isEmpty
          || compacting.contains(index)
      else { continue }
      shard.state.value.isLagging = true
      topics.value.lagging.append(index)
      removeIfUnused(shard.log)
    }
  }

  private func offer(_ shard: TopicShard, _ handler: any ConnectionHandler) {
    let end = shard.state.value.end
    var needed = end
    var late: [ConnectionID] = []
    for index in shard.state.value.subscriptions {
      let connection = self.connection(of: index)
      if topics.value[index].cursor < end { notePending(index) }
      if connection.pointee.flags.contains(.isSending) {
        needed = min(needed, judge(index, shard, &late))
        continue
      }
      if connection.pointee.queuedByteCount > 0 {
        needed = min(needed, oldest(index))
        continue
      }
      if topics.value[index].cursor < end {
        needed = min(needed, topics.value[index].cursor)
        if connection.pointee.topicFlags.contains(.isHeld) {
          needed = min(needed, judge(index, shard, &late))
        } else {
          markDirty(connection)
        }
      }
    }
    topics.value.noteReleased(shard.release(before: needed))
    shard.pruneKeys(before: needed)
    for id in late {
      guard let connection = connection(id), connection.pointee.lifecycle == .open else { continue }
      shard.log.counters.closedCount.add(1, ordering: .relaxed)
      handler.lagged(behind: shard.log, on: connection)
    }
  }

  /// Applies the policies of a connection that cannot be sent anything right now, except closing
  /// it. What waits only for the end of the pass says nothing about its peer.
  func judge(_ connection: ConnectionPointer) {
    guard connection.pointee.flags.contains(.isSending) else { return }
    var late: [ConnectionID] = []
    _ = anyPending(of: connection) { index, shard in
      _ = judge(index, shard, &late)
      return false
    }
  }

  /// The oldest message that a subscription needs: to be sent, or to go back to.
  private func oldest(_ index: UInt32) -> UInt64 {
    let subscription = topics.value[index]
    let referred = connection(of: index).firstReferred(of: index) ?? subscription.cursor
    return min(subscription.cursor, referred)
  }

  /// Applies the policy to a subscription that cannot be sent anything right now. Returns the
  /// oldest message that it still needs.
  private func judge(
    _ index: UInt32, _ shard: TopicShard, _ late: inout [ConnectionID]
  ) -> UInt64 {
    let subscription = topics.value[index]
    let end = shard.state.value.end
    let oldest = oldest(index)
    guard subscription.cursor < end else { return oldest }
    if subscription.policy == .newestOnly {
      skip(index, to: end - 1, shard, isConflated: true)
      return min(end - 1, oldest)
    }
    // What has come since it began in the past counts, the past does not.
    var lag = shard.byteCount(from: max(oldest, min(subscription.replayEnd, end)))
    if subscription.policy == .close {
      // What direct sends have come behind is in the queue, which refers to it without a limit.
      lag += max(
        0, connection(of: index).pointee.queuedByteCount - configuration.queue.byteCountMax)
      if lag > Int(subscription.byteCountMax) { late.append(id(of: connection(of: index))) }
      return oldest
    }
    guard lag > Int(subscription.byteCountMax) else { return oldest }
    let target = shard.ordinal(
      within: Int(subscription.byteCountMax), notBefore: subscription.cursor)
    guard target > subscription.cursor else { return oldest }
    skip(index, to: target, shard, isConflated: false)
    // What its queue still refers to is held there.
    return target
  }
}

extension TopicShard {
  /// Forgets keys that have not come for long, once there are many.
  func pruneKeys(before ordinal: UInt64) {
    guard state.value.newestByKey.count > 4096 + 2 * Int(state.value.end - ordinal) else { return }
    state.value.newestByKey = state.value.newestByKey.filter { $0.value >= ordinal }
  }
}
