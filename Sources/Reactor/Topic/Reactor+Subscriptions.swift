/// Which subscriptions a connection has. Few are linked and walked; of many, each is found by its
/// topic, and those with something new are listed (`ManySubscriptions`).
extension Reactor {
  /// Calls `body` with each of a connection's subscriptions that has something to be sent or to be told
  /// of, and maybe with others, until it says true: which it then returns. `body` must not change
  /// which ones there are.
  func anyPending(
    of connection: ConnectionPointer, where body: (UInt32, TopicShard) -> Bool
  ) -> Bool {
    guard isSubscribed(connection) else { return false }
    guard !hasMany(connection) else { return anyPendingOfMany(of: connection, where: body) }
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      if let shard = shard(of: index), body(index, shard) { return true }
      index = topics.value[index].next
    }
    return false
  }

  private func anyPendingOfMany(
    of connection: ConnectionPointer, where body: (UInt32, TopicShard) -> Bool
  ) -> Bool {
    guard let many = topics.value.many(of: connection) else { return false }
    gather(many)
    var position = 0
    while position < many.pending.count {
      let index = many.pending[position]
      guard let shard = shard(of: index) else { break }
      let isFound = body(index, shard)
      if isSettled(index, shard) { removePending(index, many) } else { position += 1 }
      if isFound { return true }
    }
    return false
  }

  /// Lists those with something new since the last time.
  private func gather(_ many: ManySubscriptions) {
    let shards = topics.value.takeUngathered(for: many)
    guard shards.count <= many.indexByShard.count else {
      return many.indexByShard.values.forEach { addPending($0, many) }
    }
    for shard in shards {
      if let index = many.indexByShard[shard] { addPending(index, many) }
    }
  }

  private func addPending(_ index: UInt32, _ many: ManySubscriptions) {
    guard topics.value[index].next == Subscription.none, let shard = shard(of: index),
      !isSettled(index, shard)
    else { return }
    topics.value[index].next = UInt32(many.pending.count)
    many.pending.append(index)
  }

  private func removePending(_ index: UInt32, _ many: ManySubscriptions) {
    let position = topics.value[index].next
    guard position != Subscription.none, let last = many.pending.popLast() else { return }
    topics.value[index].next = Subscription.none
    guard last != index else { return }
    many.pending[Int(position)] = last
    topics.value[last].next = position
  }

  /// Whether a subscription has nothing to be sent, and nothing to be told of.
  private func isSettled(_ index: UInt32, _ shard: TopicShard) -> Bool {
    topics.value[index].cursor >= shard.state.value.end && topics.value[index].untold.isEmpty
  }

  /// A subscription has something to be sent.
  func notePending(_ index: UInt32) {
    let connection = self.connection(of: index)
    guard hasMany(connection), let many = topics.value.many(of: connection) else { return }
    addPending(index, many)
  }

  private func hasMany(_ connection: ConnectionPointer) -> Bool {
    connection.pointee.topicFlags.contains(.hasManySubscriptions)
  }

  // MARK: All of them

  /// Calls `body` with the topic of each subscription.
  public func forEachTopic(of connection: ConnectionPointer, _ body: (TopicLog) -> Void) {
    forEachSubscription(of: connection) { if let shard = shard(of: $0) { body(shard.log) } }
  }

  private func forEachSubscription(of connection: ConnectionPointer, _ body: (UInt32) -> Void) {
    guard isSubscribed(connection) else { return }
    if let many = hasMany(connection) ? topics.value.many(of: connection) : nil {
      return many.indexByShard.values.forEach(body)
    }
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      let next = topics.value[index].next
      body(index)
      index = next
    }
  }

  /// A connection's subscription to the topic of a shard.
  func find(_ shardIndex: UInt32, of connection: ConnectionPointer) -> UInt32? {
    guard isSubscribed(connection) else { return nil }
    guard !hasMany(connection) else {
      return topics.value.many(of: connection)?.indexByShard[shardIndex]
    }
    var index = topics.value.head(of: connection)
    while index != Subscription.none {
      if topics.value[index].shard == shardIndex { return index }
      index = topics.value[index].next
    }
    return nil
  }

  /// A connection's subscription to a log.
  func find(_ log: TopicLog, of connection: ConnectionPointer) -> UInt32? {
    guard isSubscribed(connection),
      let shardIndex = topics.value.shardByLog[ObjectIdentifier(log)]
    else { return nil }
    return find(shardIndex, of: connection)
  }

  // MARK: Adding and removing

  /// Makes a subscription one of a connection's.
  func link(_ index: UInt32, to connection: ConnectionPointer) {
    if !hasMany(connection), hasAsManyAsAreWalked(connection) { becomeMany(connection) }
    if hasMany(connection) {
      topics.value.many(of: connection)?.indexByShard[topics.value[index].shard] = index
      notePending(index)
    } else {
      topics.value[index].next =
        isSubscribed(connection) ? topics.value.head(of: connection) : Subscription.none
      topics.value.setHead(index, of: connection)
    }
    connection.pointee.topicFlags.insert(.isSubscribed)
  }

  private func hasAsManyAsAreWalked(_ connection: ConnectionPointer) -> Bool {
    var count = 0
    forEachSubscription(of: connection) { _ in count += 1 }
    return count >= ManySubscriptions.countMin
  }

  private func becomeMany(_ connection: ConnectionPointer) {
    let many = ManySubscriptions()
    forEachSubscription(of: connection) { index in
      many.indexByShard[topics.value[index].shard] = index
      topics.value[index].next = Subscription.none
      addPending(index, many)
    }
    topics.value.setMany(many, of: connection)
    connection.pointee.topicFlags.insert(.hasManySubscriptions)
  }

  /// A subscription is one of its connection's no more.
  private func unlink(_ index: UInt32, of connection: ConnectionPointer) {
    if let many = hasMany(connection) ? topics.value.many(of: connection) : nil {
      removePending(index, many)
      many.indexByShard[topics.value[index].shard] = nil
      if many.indexByShard.isEmpty { forgetAll(of: connection) }
      return
    }
    let next = topics.value[index].next
    guard topics.value.head(of: connection) != index else {
      topics.value.setHead(next, of: connection)
      if next == Subscription.none { forgetAll(of: connection) }
      return
    }
    forEachSubscription(of: connection) {
      if topics.value[$0].next == index { topics.value[$0].next = next }
    }
  }

  private func forgetAll(of connection: ConnectionPointer) {
    if hasMany(connection) { topics.value.setMany(nil, of: connection) }
    connection.pointee.topicFlags.remove([.isSubscribed, .hasManySubscriptions])
  }

  /// Ends a subscription of a connection.
  func remove(_ index: UInt32, of connection: ConnectionPointer) {
    unlink(index, of: connection)
    connection.disown(referencesOf: index)
    release(index, of: connection)
  }

  /// Ends all subscriptions of a connection, which cannot subscribe again. What it has not been sent
  /// is not sent any more.
  public func leaveTopics(_ connection: ConnectionPointer) {
    connection.pointee.topicFlags.insert(.hasLeft)
    guard isSubscribed(connection) else { return }
    connection.disownReferences()
    var indices: [UInt32] = []
    forEachSubscription(of: connection) { indices.append($0) }
    forgetAll(of: connection)
    for index in indices { release(index, of: connection) }
  }

  /// A subscription is its topic's no more.
  private func release(_ index: UInt32, of connection: ConnectionPointer) {
    guard let shard = shard(of: index) else { return }
    let position = topics.value[index].position
    let last = shard.state.value.subscriptions.removeLast()
    if last != index {
      shard.state.value.subscriptions[Int(position)] = last
      topics.value[last].position = position
    }
    if shard.state.value.subscriptions.isEmpty { shard.releaseAll() }
    shard.log.detach(number)
    topics.value.free(index)
    port.releaseSubscription(id(of: connection))
    removeIfUnused(shard.log)
  }
}
