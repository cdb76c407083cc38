internal import CURing

/// What became of a wish to subscribe.
public enum SubscribeOutcome: Sendable, Equatable {
  /// It is sent all messages from this ordinal on.
  case subscribed(ordinal: UInt64)
  /// The position is not kept any more, or has not come yet; this is the oldest that is kept.
  case positionGone(oldestOrdinal: UInt64)
  /// The connection has as many subscriptions as `ReactorConfiguration.subscriptionCountMax` allows.
  case tooMany
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
    guard isOpen, let port = ReactorPort.live(reactor) else { return .closed }
    let own = directReactor
    let isSubscribed = own?.isSubscribed(self, to: log) ?? false
    if !isSubscribed {
      switch port.reserveSubscription(self) {
      case .reserved: break
      case .tooMany: return .tooMany
      case .closed: return .closed
      }
    }
    let start: TopicLog.Start
    do {
      start = try log.attach(reactor, from: ordinal)
    } catch {
      if !isSubscribed { port.releaseSubscription(self) }
      return .positionGone(oldestOrdinal: error.oldestOrdinal)
    }
    let policy = lag ?? log.limits.lag
    if isSubscribed {
      log.abandon(start, reactor)
    } else if let own {
      own.subscribe(self, to: log, start, policy)
    } else {
      ReactorPort.execute(
        { call in
          guard call == .run, let own = Reactor.current else {
            return log.abandon(start, reactor)
          }
          own.subscribe(self, to: log, start, policy)
        }, onReactor: reactor)
    }
    return .subscribed(ordinal: start.ordinal)
  }

  /// The reactor, if this is its thread, and what is done to the connection need not be posted.
  private var directReactor: Reactor? {
    guard martlet_thread_reactor_number() == reactor, let own = Reactor.current,
      own.connection(self).map({ !own.mustPost(to: $0) }) ?? true
    else { return nil }
    return own
  }

  /// Ends a subscription, if there is one. What was published before, as this thread sees it, is
  /// still sent, unless the connection lags by more than its queue may hold. Any thread; never
  /// blocks.
  public func unsubscribe(from log: TopicLog) {
    if let own = directReactor { return own.unsubscribe(self, from: log) }
    ReactorPort.execute(
      { call in
        guard call == .run, let own = Reactor.current else { return }
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

  fileprivate func isSubscribed(_ id: ConnectionID, to log: TopicLog) -> Bool {
    connection(id).map { find(log, of: $0) != nil } ?? false
  }

  /// The connection of a subscription.
  func connection(of index: UInt32) -> ConnectionPointer {
    slab.record(at: topics.value[index].connectionIndex)
  }

  func shard(of index: UInt32) -> TopicShard? {
    topics.value.shards[Int(topics.value[index].shard)]
  }

  func subscribe(
    _ id: ConnectionID, to log: TopicLog, _ start: TopicLog.Start, _ policy: LagPolicy
  ) {
    guard let connection = connection(id), connection.pointee.lifecycle == .open,
      !connection.pointee.topicFlags.contains(.hasLeft), find(log, of: connection) == nil
    else {
      log.abandon(start, number)
      port.releaseSubscription(id)
      return removeIfUnused(log)
    }
    let (shardIndex, shard) = topics.value.shard(of: log)
    if shard.state.value.subscriptions.isEmpty {
      shard.state.value.end = max(shard.state.value.end, start.end)
    }
    shard.hold(start)
    let index = topics.value.add(
      Subscription(
        of: connection, cursor: start.ordinal, replayEnd: start.end, shard: shardIndex,
        position: UInt32(shard.state.value.subscriptions.count), policy))
    shard.state.value.subscriptions.append(index)
    link(index, to: connection)
    if topics.value[index].policy == .newestPerKey { shard.state.value.isKeyed = true }
    scan(shard, from: start.ordinal, to: shard.state.value.end)
    if start.ordinal < shard.state.value.end { topics.value.note(shardIndex, shard) }
  }

  fileprivate func unsubscribe(_ id: ConnectionID, from log: TopicLog) {
    guard let connection = connection(id), find(log, of: connection) != nil else { return }
    if connection.pointee.lifecycle == .open { _ = fold(connection, before: 0) }
    // The handler, told of a gap, may have ended it.
    guard let index = find(log, of: connection) else { return }
    remove(index, of: connection)
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
