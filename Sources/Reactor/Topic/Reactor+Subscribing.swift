internal import CURing

/// What became of a wish to subscribe.
public enum SubscribeOutcome: Sendable, Equatable {
  /// It is sent all messages from this ordinal on.
  case subscribed(ordinal: UInt64)
  /// The position is not kept any more, or has not come yet; this is the oldest that is kept.
  case positionGone(oldestOrdinal: UInt64)
  /// The connection has gone.
  case closed
}

extension ConnectionID {
  /// Subscribes the connection to a topic. Any thread; never blocks.
  ///
  /// It is sent every message published from now on by any thread, and by this thread after this
  /// call; with an `ordinal`, all from there on. If the connection is subscribed already, nothing
  /// changes.
  ///
  /// - Parameters:
  ///   - log: the topic.
  ///   - ordinal: where to begin, if not at the end.
  ///   - lag: what happens if it reads too slowly, if not what the topic says.
  /// - Returns: where it begins.
  public func subscribe(
    to log: TopicLog, from ordinal: UInt64? = nil, lag: LagPolicy? = nil
  ) -> SubscribeOutcome {
    guard isOpen else { return .closed }
    let start: TopicLog.Start
    do {
      start = try log.attach(reactor, from: ordinal)
    } catch {
      return .positionGone(oldestOrdinal: error.oldestOrdinal)
    }
    let policy = lag ?? log.limits.lag
    if martlet_thread_reactor_number() == reactor, let own = Reactor.current,
      own.connection(self).map({ !own.mustPost(to: $0) }) ?? true
    {
      own.subscribe(self, to: log, start, policy)
    } else {
      ReactorPort.execute(
        { outcome in
          guard outcome == .sent, let own = Reactor.current else {
            return log.abandon(start, reactor)
          }
          own.subscribe(self, to: log, start, policy)
        }, onReactor: reactor)
    }
    return .subscribed(ordinal: start.ordinal)
  }

  /// Ends a subscription, if there is one. What was published before, as this thread sees it, is
  /// still sent, unless the connection lags by more than its queue may hold. Any thread; never
  /// blocks.
  public func unsubscribe(from log: TopicLog) {
    if martlet_thread_reactor_number() == reactor, let own = Reactor.current,
      own.connection(self).map({ !own.mustPost(to: $0) }) ?? true
    {
      return own.unsubscribe(self, from: log)
    }
    ReactorPort.execute(
      { outcome in
        guard outcome == .sent, let own = Reactor.current else { return }
        own.state.value.postedIndex = index
        own.unsubscribe(self, from: log)
        own.state.value.postedIndex = ConnectionRecord.noIndex
      }, onReactor: reactor)
  }
}

extension TopicLog {
  /// A subscription has come to nothing.
  func abandon(_ start: Start, _ reactor: UInt32) {
    start.segment.releaseChain()
    detach(reactor)
  }
}

extension Reactor {
  /// Whether a connection has subscriptions.
  public func isSubscribed(_ connection: ConnectionPointer) -> Bool {
    connection.pointee.topicFlags.contains(.isSubscribed)
  }

  /// Whether what is sent to a connection must be posted, although this is its reactor's thread:
  /// what this thread has published or posted before is on its way through the mailbox; or the handler may
  /// have to be told of a gap first, which cannot be done from within another call of it. If so, the
  /// caller posts it, which is noted.
  public func mustPost(to connection: ConnectionPointer) -> Bool {
    let flags = connection.pointee.topicFlags
    // What was posted while it was subscribed may be on its way still when it is no more. To whom has
    // left nothing more is sent, and the sender is to hear that at once.
    guard !flags.isDisjoint(with: [.isSubscribed, .hasOwnPosts]), !flags.contains(.hasLeft),
      connection.pointee.index != state.value.announcingIndex
    else { return false }
    let isNeeded =
      flags.contains(.hasOwnPosts) || state.value.ownPostCount > 0 || hasGaps(connection)
      || (isBlocked(connection) && hasTopicsToSend(connection))
    if isNeeded { noteOwnPosts(to: connection) }
    return isNeeded
  }

  private func noteOwnPosts(to connection: ConnectionPointer) {
    connection.pointee.topicFlags.insert(.hasOwnPosts)
    state.value.ownPostTargets.append(id(of: connection))
  }

  /// What was posted before the mailbox was last emptied, to these connections, has arrived.
  func forgetOwnPosts(to targets: [ConnectionID]) {
    for id in targets { connection(id)?.pointee.topicFlags.remove(.hasOwnPosts) }
    // Some have been posted to again in the meantime.
    for id in state.value.ownPostTargets {
      connection(id)?.pointee.topicFlags.insert(.hasOwnPosts)
    }
  }

  /// Calls `body` with the topic of each subscription.
  public func forEachTopic(of connection: ConnectionPointer, _ body: (TopicLog) -> Void) {
    guard isSubscribed(connection) else { return }
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      if let shard = shard(of: index) { body(shard.log) }
      index = topics.value[index].next
    }
  }

  /// Nothing of its topics is sent to a connection while this is true: it is being sent something
  /// that must not be interrupted.
  public func holdTopics(of connection: ConnectionPointer, _ isHeld: Bool) {
    if isHeld {
      connection.pointee.topicFlags.insert(.isHeld)
    } else if connection.pointee.topicFlags.contains(.isHeld) {
      connection.pointee.topicFlags.remove(.isHeld)
      if isSubscribed(connection) { markDirty(connection) }
    }
  }

  /// Ends all subscriptions of a connection, which cannot subscribe again. What it has not been sent
  /// is not sent any more.
  public func leaveTopics(_ connection: ConnectionPointer) {
    connection.pointee.topicFlags.insert(.hasLeft)
    while isSubscribed(connection) {
      remove(topics.value.head(of: connection), of: connection, after: nil)
    }
  }

  func shard(of index: UInt32) -> TopicShard? {
    topics.value.shards[Int(topics.value[index].shard)]
  }

  fileprivate func subscribe(
    _ id: ConnectionID, to log: TopicLog, _ start: TopicLog.Start, _ policy: LagPolicy
  ) {
    guard let connection = connection(id), connection.pointee.lifecycle == .open,
      !connection.pointee.topicFlags.contains(.hasLeft), find(log, of: connection) == nil
    else {
      log.abandon(start, number)
      return removeIfUnused(log)
    }
    let (shardIndex, shard) = topics.value.shard(of: log)
    if shard.state.value.subscriptions.isEmpty {
      shard.state.value.end = max(shard.state.value.end, start.end)
    }
    shard.hold(start)
    let subscription = Subscription(
      connection: connection, cursor: start.ordinal, shard: shardIndex,
      position: UInt32(shard.state.value.subscriptions.count),
      next: isSubscribed(connection) ? topics.value.head(of: connection) : Subscription.none,
      byteCountMax: policy.byteCountMax, policy: .init(policy),
      replayEnd: start.end)
    let index = topics.value.add(subscription)
    topics.value.setHead(index, of: connection)
    shard.state.value.subscriptions.append(index)
    connection.pointee.topicFlags.insert(.isSubscribed)
    if subscription.policy == .newestPerKey { shard.state.value.isKeyed = true }
    scan(shard, from: start.ordinal, to: shard.state.value.end)
    if start.ordinal < shard.state.value.end { note(shardIndex, shard) }
  }

  fileprivate func unsubscribe(_ id: ConnectionID, from log: TopicLog) {
    guard let connection = connection(id), find(log, of: connection) != nil else { return }
    if connection.pointee.lifecycle == .open { _ = fold(connection, before: 0) }
    // The handler, told of a gap, may have ended it.
    guard let (index, previous) = find(log, of: connection) else { return }
    remove(index, of: connection, after: previous)
  }

  /// A connection's subscription to a log, and the one before it in its list.
  private func find(
    _ log: TopicLog, of connection: ConnectionPointer
  ) -> (index: UInt32, previous: UInt32?)? {
    guard isSubscribed(connection) else { return nil }
    var previous: UInt32?
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      if shard(of: index)?.log === log { return (index, previous) }
      previous = index
      index = topics.value[index].next
    }
    return nil
  }

  private func remove(_ index: UInt32, of connection: ConnectionPointer, after previous: UInt32?) {
    let subscription = topics.value[index]
    if let previous {
      topics.value[previous].next = subscription.next
    } else {
      topics.value.setHead(subscription.next, of: connection)
      if subscription.next == Subscription.none {
        connection.pointee.topicFlags.remove(.isSubscribed)
      }
    }
    connection.disown(referencesOf: index)
    if let shard = shard(of: index) {
      let last = shard.state.value.subscriptions.removeLast()
      if last != index {
        shard.state.value.subscriptions[Int(subscription.position)] = last
        topics.value[last].position = subscription.position
      }
      if shard.state.value.subscriptions.isEmpty { shard.releaseAll() }
      shard.log.detach(number)
      topics.value.free(index)
      removeIfUnused(shard.log)
    }
  }

  /// Forgets a topic without subscribers here, unless one is on its way.
  func removeIfUnused(_ log: TopicLog) {
    guard let index = topics.value.shardByLog[ObjectIdentifier(log)],
      let shard = topics.value.shards[Int(index)], shard.state.value.subscriptions.isEmpty,
      !log.hasLink(number)
    else { return }
    topics.value.removeShard(index)
  }
}
